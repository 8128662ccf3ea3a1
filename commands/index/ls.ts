/** `facet index ls`: lists a directory of the tree. */
import { FacetError } from '../../src/errors.js';
import type { NamedNode, Tree } from '../../src/tree/tree.js';
import { command, optionalArgument } from '../command.js';
import { formatSize } from '../format.js';
import { path } from '../kinds.js';
import { printable } from '../terminal.js';

const PAGE = 1_000;

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
    const { Volume } = await import('../../src/volume/volume.js');
    const volume = new Volume(home.catalogFile);
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
  const [directory = '/'] = tree.pathsOf(node.ino);
  if (typeName(node.type) !== 'directory') {
    yield listed({ ...node, name: directory.slice(directory.lastIndexOf('/') + 1) }, directory);
    return;
  }
  for (let after = ''; ; ) {
    const page = tree.list(node.ino, after, PAGE);
    for (const entry of page)
      yield listed(entry, directory === '/' ? `/${entry.name}` : `${directory}/${entry.name}`);
    if (page.length < PAGE) return;
    after = page.at(-1)?.name ?? '';
  }
}

function listed(node: NamedNode, fullPath: string): ListedEntry {
  const { name, size, mtimeUs, ino } = node;
  const mtime = new Date(mtimeUs / 1000).toISOString();
  return { path: fullPath, name, type: typeName(node.type), size, mtime, id: ino };
}

function typeName(type: NamedNode['type']): ListedEntry['type'] {
  return type === 4 ? 'directory' : type === 10 ? 'link' : 'file';
}

function toText({ name, type, size, mtime }: ListedEntry): string {
  const shown = `${printable(name)}${type === 'directory' ? '/' : ''}`;
  const bytes = type === 'directory' ? '-' : formatSize(size);
  return `${bytes.padStart(8)}  ${mtime.slice(0, 16).replace('T', ' ')}  ${shown}`;
}
