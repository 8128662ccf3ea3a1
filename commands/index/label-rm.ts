/** `facet index label rm`. */
import { argument, argumentList, command } from '../command.js';
import { label, path } from '../kinds.js';
import { openVolume } from '../volume.js';
import { describedText, describeFiles } from './describe.js';
import { filesOf } from './files.js';

export default command({
  description:
    'Takes labels away from a file, from every file below a directory, or from those that a glob matches. Labels that a label rule gives stay: change the rule.',
  arguments: {
    path: argument(path, 'PATH', 'a path in the tree, a glob, SOURCE:PATH or the number of a file'),
    labels: argumentList(label, 'LABEL', 'the labels to take away', { required: true }),
  },
  examples: [{ command: 'facet index label rm /docs/a.pdf urgent', says: 'one label less' }],
  async run(context, { path: wanted, labels }) {
    const volume = await openVolume(context.home);
    try {
      const files = [...filesOf(volume, [wanted])];
      const done = await describeFiles(
        context,
        files.map(file => ({ file, description: { remove: labels } })),
      );
      await context.output.result({ ...done, labels }, describedText);
    } finally {
      volume.close();
    }
  },
});
