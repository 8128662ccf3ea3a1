/** The preset `media`: the default rules of MetaMesh, in facet's language, with music besides. */

export const media = `# A media library: series, movies, music and images.
#
# Files find their places by their properties: title or originalTitle, season, episode, movieYear, version,
# subtitleLanguage, extra; for music artist, albumArtist, album, disc, track. Give them to files with
# facet index set, or use a source that knows them. What is not known well enough is in /Unsorted.
#
# A long template goes on in the next line after a backslash. facet rules explain PATH says why a file is where it is.

version: 1
directories:
  - path: /
    pick: first # each file is in one place: that of the first of these that takes it
    mounts:
      - name: extras
        where: (type=video or ext in [srt, ass, ssa, sub, idx, vtt, torrent]) and extra=true
        place: "TV Shows/{title|originalTitle}/extra/{title|originalTitle}\\
          {season?( S{season:pad2})}{episode?(E{episode:pad2})}\\
          {subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{ext}"
        otherwise: "Unsorted/{fileName}"

      - name: series
        where: >-
          (type=video or ext in [srt, ass, ssa, sub, idx, vtt, torrent])
          and season is present and episode is present
        place: "TV Shows/{title|originalTitle}/S{season:pad2}/{title|originalTitle}\\
          \\ S{season:pad2}E{episode:pad2}\\
          {subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{ext}"
        otherwise: "Unsorted/{fileName}"

      - name: movies
        where: >-
          (type=video or ext in [srt, ass, ssa, sub, idx, vtt, torrent])
          and (title is present or originalTitle is present) and season is missing
        place: "Movies/{title|originalTitle}{movieYear|year?( ({movieYear|year}))}/\\
          {title|originalTitle}{movieYear|year?( ({movieYear|year}))}\\
          {subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{ext}"
        otherwise: "Unsorted/{fileName}"

      - name: music
        where: type=audio and (artist is present or albumArtist is present)
        place: "Music/{albumArtist|artist}/{album|\\"Singles\\"}/\\
          {disc?({disc}-)}{track?({track:pad2} - )}{title|stem}.{ext}"
        otherwise: "Unsorted/{fileName}"

      - name: images
        where: type=image
        place: "Images/{fileName}"

      - name: rest
        place: "Unsorted/{fileName}"
`;
