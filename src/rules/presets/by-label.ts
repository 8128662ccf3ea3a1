/** The preset `by-label`. */

export const byLabel = `# A directory for each label; a file with two labels is in two of them.
#
# Give labels to files with facet index label add, or to whole folders here:
#
#   labels:
#     - {from: "docs:work/", labels: [work]}

version: 1
directories:
  - path: /
    place: "{label*}/{fileName}" # with {path} in place of {fileName} folders stay as they are
    otherwise: "Unlabelled/{source}/{path}"
`;
