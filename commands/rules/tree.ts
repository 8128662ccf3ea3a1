/** `facet rules tree`: the tree that rules.yaml would give, with counts. */
import { existsSync } from 'node:fs';
import type { CountedDirectory } from '../../src/tree/outline.js';
import { command, flag, option } from '../command.js';
import { formatItems } from '../format.js';
import { count } from '../kinds.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Shows the directories of the tree that rules.yaml would give, with the number of files below each. Changes nothing. Without a rules.yaml, or with --applied, shows the tree as it is.',
  options: {
    depth: option(count(1, 100), 'N', 'so many levels', { default: '2' }),
    applied: flag('show the tree as it is'),
  },
  async run({ home, output }, _, { depth, applied }) {
    const [{ openCatalog }, { draftOf }, { rulesOf }, { outline }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('./draft.js'),
      import('../../src/rules/document.js'),
      import('../../src/tree/outline.js'),
    ]);
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      const look = () => outline(catalog.db, depth);
      if (applied || !existsSync(home.rulesFile)) {
        await output.rows(look(), toText);
        return;
      }
      const draft = draftOf(home.rulesFile, catalog);
      const document = JSON.stringify(rulesOf(draft));
      await output.rows(
        catalog.preview(writer => writer.putRules(draft.text, document), look),
        toText,
      );
    } finally {
      catalog.close();
    }
  },
});

function toText({ path, depth, files }: CountedDirectory): string {
  const name = path === '/' ? '/' : `${path.slice(path.lastIndexOf('/') + 1)}/`;
  return `${'  '.repeat(depth)}${printable(name)}  (${formatItems(files, 'file')})`;
}
