/** The preset `jellyfin`: names as Jellyfin wants them (jellyfin.org/docs/general/server/media: shows, movies, music). */

export const jellyfin = `# A media library with the folders and names that Jellyfin expects. Make three libraries in Jellyfin:
# "Shows", "Movies" and "Music".
#
# Files find their places by their properties: title or originalTitle, year, season, episode, episodeTitle, version,
# tmdbId, subtitleLanguage; for music albumArtist or artist, album, disc, track. Give them to files with
# facet index set, or use a source that knows them. What is not known well enough is in /Unsorted.
#
# The year of a series is the one in which it began. Every episode of a series needs the same one, or none.
# A long template goes on in the next line after a backslash.

version: 1
directories:
  - path: /
    pick: first # each file is in one place: that of the first of these that takes it
    mounts:
      - name: shows
        where: >-
          (type=video or ext in [srt, ssa, ass, sub, idx, sup, vtt])
          and season is present and episode is present
        place: "Shows/{title|originalTitle}{year?( ({year}))}{tmdbId?( [tmdbid-{tmdbId}])}/Season {season:pad2}/\\
          {title|originalTitle} S{season:pad2}E{episode:pad2}{episodeTitle?( {episodeTitle})}{version?( - {version})}\\
          {subtitleLanguage?(.{subtitleLanguage})}.{ext}"
        otherwise: "Unsorted/{source}/{path}"

      # Versions of a movie belong together if their names begin with the whole name of their folder.
      - name: movies
        where: >-
          (type=video or ext in [srt, ssa, ass, sub, idx, sup, vtt])
          and (title is present or originalTitle is present) and season is missing
        place: "Movies/{title|originalTitle}{movieYear|year?( ({movieYear|year}))}{tmdbId?( [tmdbid-{tmdbId}])}/\\
          {title|originalTitle}{movieYear|year?( ({movieYear|year}))}{tmdbId?( [tmdbid-{tmdbId}])}\\
          {version?( - {version})}{subtitleLanguage?(.{subtitleLanguage})}.{ext}"
        otherwise: "Unsorted/{source}/{path}"

      # One folder for each album, whatever its discs.
      - name: music
        where: type=audio
        place: "Music/{albumArtist|artist}/{album}/{disc?(Disc {disc} )}{track?(Track {track:pad2} )}{title|stem}.{ext}"
        otherwise: "Unsorted/{source}/{path}"

      - name: rest
        place: "Unsorted/{source}/{path}"
`;
