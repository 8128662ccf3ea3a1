/** `facet index label rm`. */
import { argument, argumentList, command } from '../command.js';
import { label, path } from '../kinds.js';
import { describedText, describePath } from './describe.js';

export default command({
  description:
    'Takes labels away from a file, from every file below a directory, or from those that a glob matches. Labels that a label rule gives stay: change the rule.',
  arguments: {
    path: argument(path, 'PATH', 'a path in the tree, a glob, SOURCE:PATH or the number of a file'),
    labels: argumentList(label, 'LABEL', 'the labels to take away', { required: true }),
  },
  examples: [{ command: 'facet index label rm /docs/a.pdf urgent', says: 'one label less' }],
  async run(context, { path: wanted, labels }) {
    const done = await describePath(context, wanted, { remove: labels });
    await context.output.done({ ...done, labels }, describedText);
  },
});
