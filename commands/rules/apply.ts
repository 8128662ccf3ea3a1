/** `facet rules apply`: from now on the tree is arranged by rules.yaml. */
import { command } from '../command.js';
import { formatItems } from '../format.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Arranges the tree by rules.yaml. Files whose place does not change are not touched; mounts show the new tree within a second. Rules with an error are not applied: those in force stay. The line "version: 1" alone brings back the default, every source as it is.',
  examples: [{ command: 'facet rules plan; facet rules apply', says: 'look, then apply' }],
  async run({ home, output, note }) {
    const [{ openCatalog }, { draftOf }, { rulesOf }, { applyRules }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('./draft.js'),
      import('../../src/rules/document.js'),
      import('../../src/tree/apply-rules.js'),
    ]);
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      const draft = draftOf(home.rulesFile, catalog);
      note('arranging the tree …');
      const { hasChanged } = applyRules(catalog, draft.text, rulesOf(draft));
      const { directories } = draft.rules;
      await output.done({ file: home.rulesFile, directories: directories.length, hasChanged }, () =>
        hasChanged
          ? `applied ${printable(home.rulesFile)}: ${formatItems(directories.length, 'directory', 'directories')}`
          : `${printable(home.rulesFile)} was applied already`,
      );
    } finally {
      catalog.close();
    }
  },
});
