/** `facet index search`: files by a part of their names. */
import type { Volume as OpenVolume } from '../../src/volume/volume.js';
import { argument, command } from '../command.js';
import { formatSize } from '../format.js';
import { text } from '../kinds.js';
import { printable } from '../terminal.js';

interface FoundFile {
  path: string;
  id: number;
  size: number;
  mtime: string;
}

export default command({
  description: 'Lists the files whose names contain a text, whatever the case of its letters.',
  arguments: { text: argument(text, 'TEXT', 'a part of the name') },
  examples: [
    { command: 'facet index search report', says: 'files such as Annual-Report.pdf' },
    { command: 'facet index search .pdf --json | jq -r .path', says: 'only their paths' },
  ],
  async run({ home, output }, { text: wanted }) {
    const { Volume } = await import('../../src/volume/volume.js');
    const volume = new Volume(home.catalogFile);
    try {
      await output.rows(
        found(volume, wanted),
        ({ path, size }) => `${formatSize(size).padStart(8)}  ${printable(path)}`,
      );
    } finally {
      volume.close();
    }
  },
});

function* found({ files, tree }: OpenVolume, wanted: string): Generator<FoundFile> {
  for (const { id, size, mtimeUs } of files.nameContains(wanted)) {
    const mtime = new Date(mtimeUs / 1000).toISOString();
    for (const path of tree.pathsOf(id)) yield { path, id, size, mtime };
  }
}
