/** `facet index ls`: lists a directory of the tree. */
import { EntryType } from '../../src/catalog/projector.js';
import { FacetError } from '../../src/errors.js';
import type { NamedNode, Tree } from '../../src/tree/tree.js';
import { normalisePath } from '../../src/tree/walk.js';
import { command, optionalArgument } from '../command.js';
import { formatSize } from '../format.js';
import { path } from '../kinds.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';

interface ListedEntry {
  path: string;
  name: string;
  type: 'directory' | 'file' | 'link';
  size: number;
  mtime: string;
  id: number;
}

export default command({
  description: 'Lists a directory of the tree, in the order of the names. Of a file, shows the file itself.',
  arguments: { path: optionalArgument(path, 'PATH', 'the directory; the root when left out') },
  examples: [
    { command: 'facet index ls /docs', says: 'what is in /docs' },
    { command: 'facet index ls /docs --json | jq -r .path', says: 'full paths, one a line' },
  ],
  async run({ home, output }, { path: wanted = '/' }) {
    const volume = await openVolume(home);
    try {
      await output.rows(entries(volume.tree, wanted), toText);
    } finally {
      volume.close();
    }
  },
});

function* entries(tree: Tree, wanted: string): Generator<ListedEntry> {
  const node = tree.resolve(wanted);
  if (!node) {
    throw new FacetError('not-found', `there is no ${wanted} in the tree`, {
      hint: 'list what there is: facet index ls /',
    });
  }
  const path = normalisePath(wanted);
  if (node.type !== EntryType.directory) {
    yield listed({ ...node, name: path.slice(path.lastIndexOf('/') + 1) }, path);
    return;
  }
  for (const entry of tree.entries(node.ino)) {
    yield listed(entry, path === '/' ? `/${entry.name}` : `${path}/${entry.name}`);
  }
}

function listed(node: NamedNode, fullPath: string): ListedEntry {
  const { name, size, mtimeUs, ino } = node;
  const mtime = new Date(mtimeUs / 1000).toISOString();
  return { path: fullPath, name, type: TYPE_NAMES[node.type], size, mtime, id: ino };
}

const TYPE_NAMES = {
  [EntryType.directory]: 'directory',
  [EntryType.file]: 'file',
  [EntryType.link]: 'link',
} as const;

function toText({ name, type, size, mtime }: ListedEntry): string {
  const shown = `${printable(name)}${type === 'directory' ? '/' : ''}`;
  const bytes = type === 'directory' ? '-' : formatSize(size);
  return `${bytes.padStart(8)}  ${mtime.slice(0, 16).replace('T', ' ')}  ${shown}`;
}
