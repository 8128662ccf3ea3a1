/**
 * The preset `plex`: names as Plex Media Server wants them (support.plex.tv: "Naming and organizing your TV show files",
 * "… your movie files", "Adding music media from folders", "Adding local subtitles to your media").
 */

export const plex = `# A media library with the folders and names that Plex expects. Make three libraries in Plex:
# "TV Shows", "Movies" and "Music".
#
# Files find their places by their properties: title or originalTitle, year, season, episode, episodeTitle, edition,
# version, tmdbId, subtitleLanguage; for music albumArtist or artist, album, disc, track. Give them to files with
# facet index set, or use a source that knows them. What is not known well enough is in /Unsorted.
#
# The year of a series is the one in which it began. Every episode of a series needs the same one, or none.
# A long template goes on in the next line after a backslash.

version: 1
directories:
  - path: /
    pick: first # each file is in one place: that of the first of these that takes it
    mounts:
      - name: series
        where: >-
          (type=video or ext in [srt, smi, ssa, ass, vtt])
          and season is present and episode is present
        place: "TV Shows/{title|originalTitle}{year?( ({year}))}{tmdbId?( {{tmdb-{tmdbId}}})}/Season {season:pad2}/\\
          {title|originalTitle}{year?( ({year}))} - s{season:pad2}e{episode:pad2}\\
          {episodeTitle?( - {episodeTitle})}{version?( [{version}])}\\
          {subtitleLanguage?(.{subtitleLanguage})}.{ext}"
        otherwise: "Unsorted/{source}/{path}"

      - name: movies
        where: >-
          (type=video or ext in [srt, smi, ssa, ass, vtt])
          and (title is present or originalTitle is present) and season is missing
        place: "Movies/{title|originalTitle}{movieYear|year?( ({movieYear|year}))}\\
          {tmdbId?( {{tmdb-{tmdbId}}})}{edition?( {{edition-{edition}}})}/\\
          {title|originalTitle}{movieYear|year?( ({movieYear|year}))}\\
          {tmdbId?( {{tmdb-{tmdbId}}})}{edition?( {{edition-{edition}}})}\\
          {version?( - {version})}{subtitleLanguage?(.{subtitleLanguage})}.{ext}"
        otherwise: "Unsorted/{source}/{path}"

      - name: music
        where: type=audio
        place: "Music/{albumArtist|artist}/{album}/{disc?({disc})}{track:pad2} - {title|stem}.{ext}"
        otherwise: "Unsorted/{source}/{path}"

      - name: rest
        place: "Unsorted/{source}/{path}"
`;
