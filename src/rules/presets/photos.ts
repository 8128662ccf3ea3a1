/** The preset `photos`. */

export const photos = `# Photos and videos by year and month, whatever else there is in its own folders.
#
# The date is that of the property "taken" (2024-05-01, or 2024:05:01 10:30:00 as cameras write it) or, for files
# without it, the time of the last change, on the clock of this machine.

version: 1
directories:
  - path: /Photos
    where: type=image or type=video
    pick: first # each file is in one place: that of the first of these that takes it
    mounts:
      - name: taken
        place: "{taken:YYYY}/{taken:MM}/{fileName}"
      - name: changed
        place: "{mtime:YYYY}/{mtime:MM}/{fileName}"

  - path: /Files
    where: not (type=image or type=video)
    place: "{source}/{path}"
`;
