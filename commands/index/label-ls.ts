/** `facet index label ls`. */
import { command, optionalArgument } from '../command.js';
import { formatCount } from '../format.js';
import { path } from '../kinds.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { fileOf } from './files.js';

export default command({
  description:
    'Lists the labels of a file, and where each comes from: given directly, or by the label rule for a folder. Without a file, lists every label that was given directly, with the number of files that have it.',
  arguments: {
    path: optionalArgument(path, 'PATH', 'a path in the tree, SOURCE:PATH or the number of a file'),
  },
  examples: [
    { command: 'facet index label ls', says: 'which labels there are' },
    { command: 'facet index label ls /docs/a.pdf', says: 'the labels of one file' },
  ],
  async run({ home, output }, { path: wanted }) {
    const [{ Descriptions }, { labelOrigins }] = await Promise.all([
      import('../../src/catalog/descriptions.js'),
      import('../../src/rules/label-rules.js'),
    ]);
    const volume = await openVolume(home);
    try {
      const descriptions = new Descriptions(volume.db);
      if (wanted === undefined) {
        await output.rows(
          descriptions.counts(),
          ({ label, files }) => `${formatCount(files).padStart(9)}  ${printable(label)}`,
        );
        return;
      }
      const file = fileOf(volume, wanted);
      const origins = labelOrigins(volume.db, file);
      await output.rows(origins, ({ label, from }) =>
        printable(from === null ? label : `${label}  (${from})`),
      );
    } finally {
      volume.close();
    }
  },
});
