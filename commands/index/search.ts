/** `facet index search`: the files that a query asks for. */
import type { Query } from '../../src/query/ast.js';
import type { Volume as OpenVolume } from '../../src/volume/volume.js';
import { argumentList, command } from '../command.js';
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
  description:
    'Lists the files that a query asks for. Words are parts of names, whatever the case; name:*.pdf, size>5MB, age<30d, ' +
    'type=video, label:work and title=Dune ask for more, and and, or, not and parentheses put questions together. Several ' +
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

function* found({ search, tree }: OpenVolume, query: Query): Generator<FoundFile> {
  for (const { id, size, mtimeUs } of search.find(query)) {
    const mtime = new Date(mtimeUs / 1000).toISOString();
    for (const path of tree.pathsOf(id)) yield { path, id, size, mtime };
  }
}
