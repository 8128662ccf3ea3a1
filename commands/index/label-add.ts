/** `facet index label add`. */
import { argument, argumentList, command } from '../command.js';
import { label, path } from '../kinds.js';
import { describedText, describePath } from './describe.js';

export default command({
  description: 'Gives labels to a file, to every file below a directory, or to those that a glob matches.',
  arguments: {
    path: argument(path, 'PATH', 'a path in the tree, a glob, SOURCE:PATH or the number of a file'),
    labels: argumentList(label, 'LABEL', 'the labels to give', { required: true }),
  },
  examples: [
    { command: 'facet index label add /docs/a.pdf work urgent', says: 'two labels for one file' },
    { command: "facet index label add '/photos/**/*.raw' unsorted", says: 'a label for many' },
  ],
  async run(context, { path: wanted, labels }) {
    const done = await describePath(context, wanted, { add: labels });
    await context.output.done({ ...done, labels }, describedText);
  },
});
