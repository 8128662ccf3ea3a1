/** `facet rules show`: the rules in force. */
import { FacetError } from '../../src/errors.js';
import { command, flag } from '../command.js';
import { openVolume } from '../volume.js';

export default command({
  description:
    'Prints the rules in force, as they were written when they were applied. rules.yaml may say something else by now. With --json, prints what they say, with every default filled in.',
  options: { draft: flag('print rules.yaml as it is now instead') },
  async run({ home, output, json }, _, { draft }) {
    const [{ AppliedRules }, { draftOf }] = await Promise.all([
      import('../../src/catalog/applied-rules.js'),
      import('./draft.js'),
    ]);
    const volume = await openVolume(home);
    try {
      const applied = new AppliedRules(volume.db);
      const rules = draft ? draftOf(home.rulesFile, volume) : undefined;
      const text = rules?.text ?? applied.text()?.text;
      const document = rules ? JSON.stringify(rules.rules) : applied.document();
      if (text === undefined || document === undefined) {
        throw new FacetError('not-found', 'no rules are in force: every source is a directory of the tree', {
          hint: 'begin with facet rules init, then facet rules apply',
        });
      }
      await output.text(json ? document : text);
    } finally {
      volume.close();
    }
  },
});
