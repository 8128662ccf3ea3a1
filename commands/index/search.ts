/** `facet index search`: the files that a query asks for. */
import { originOf } from '../../src/catalog/files.js';
import type { Query } from '../../src/query/ast.js';
import { matching } from '../../src/volume/matching.js';
import type { Volume } from '../../src/volume/volume.js';
import { withStates } from '../cache-states.js';
import { argumentList, command } from '../command.js';
import { formatSize } from '../format.js';
import { text } from '../kinds.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';

interface FoundFile {
  /** In the tree; null when it is nowhere there. A file has a line for each of its places. */
  path: string | null;
  /** `docs:work/a.pdf`. */
  origin: string;
  id: number;
  size: number;
  mtime: string;
}

export default command({
  description:
    'Lists the files that a query asks for. Words are parts of names, whatever the case; name:*.pdf, size>5MB, age<30d, ' +
    'type=video, label:work, cached and title=Dune ask for more, and and, or, not and parentheses put questions together. Several ' +
    'arguments are one query; what the shell would take for itself has to be in quotes.',
  arguments: { query: argumentList(text, 'QUERY', 'what the files are like', { required: true }) },
  examples: [
    { command: 'facet index search report', says: 'files such as Annual-Report.pdf' },
    { command: "facet index search 'type=video size>1GB age<30d'", says: 'large videos of the last 30 days' },
    { command: "facet index search 'name:*.pdf' --json | jq -r .path", says: 'only their paths' },
  ],
  async run({ home, output }, { query }) {
    const { parseQuery } = await import('../../src/query/parse.js');
    const wanted = parseQuery(query.join(' '));
    const volume = await openVolume(home);
    try {
      await output.rows(
        found(volume, await withStates(wanted, volume, home)),
        ({ path, origin, size }) =>
          `${formatSize(size).padStart(8)}  ${path === null ? `${printable(origin)} (nowhere in the tree)` : printable(path)}`,
      );
    } finally {
      volume.close();
    }
  },
});

function* found(volume: Volume, query: Query): Generator<FoundFile> {
  for (const file of matching(volume, query)) {
    const { id, size, mtimeUs } = file;
    const known = { origin: originOf(file), id, size, mtime: new Date(mtimeUs / 1000).toISOString() };
    const paths = volume.tree.pathsOf(id);
    for (const path of paths.length === 0 ? [null] : paths) yield { path, ...known };
  }
}
