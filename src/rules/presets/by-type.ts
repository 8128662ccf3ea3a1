/** The preset `by-type`. */

export const byType = `# Files by what they are: Audio, Document, Image, Video … In each the files of every source in their folders.
#
# The type follows from the extension. facet index search type=document finds what would be in one of these.

version: 1
directories:
  - path: /
    place: "{type:title}/{source}/{path}"
`;
