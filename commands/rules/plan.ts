/** `facet rules plan`: what applying would change. */
import type { PlannedChange } from '../../src/tree/plan.js';
import { command } from '../command.js';
import { formatCount, formatItems } from '../format.js';
import { printable } from '../terminal.js';

/** The status when applying would change something, as facet-rules(1) says. */
const WOULD_CHANGE = 4;

export default command({
  description:
    'Shows what applying rules.yaml would do to the tree, and does none of it: + files that appear, - files that go, ~ files that move, ! files that do not get the name they ask for. Ends with status 0 when nothing would change, and with 4 when something would.',
  examples: [
    { command: 'facet rules plan', says: 'look before applying' },
    {
      command: 'facet rules plan --json | jq -r \'select(.change == "removed") | .path\'',
      says: 'what would go',
    },
  ],
  async run({ home, output, note }) {
    const [{ openCatalog }, { draftOf }, { rulesOf }, { Plan }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('./draft.js'),
      import('../../src/rules/document.js'),
      import('../../src/tree/plan.js'),
    ]);
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      const { text, ...draft } = draftOf(home.rulesFile, catalog);
      const document = JSON.stringify(rulesOf({ text, ...draft }));
      const plan = new Plan(catalog, writer => writer.putRules(text, document));
      try {
        const { added, removed, moved, collisions, nowhere } = plan.totals;
        if (added + removed + moved + collisions > 0) process.exitCode = WOULD_CHANGE;
        await output.rows(changesOf(plan.changes()), toText);
        const counts = `${formatCount(added)} added, ${formatCount(removed)} removed, ${formatCount(moved)} moved`;
        note(
          `${counts}, ${formatItems(collisions, 'new collision')}; ${formatItems(nowhere, 'file')} nowhere`,
        );
      } finally {
        plan.close();
      }
    } finally {
      catalog.close();
    }
  },
});

/** Without the columns that say nothing. */
function* changesOf(changes: Iterable<PlannedChange>): Generator<PlannedChange> {
  for (const { change, ...rest } of changes) {
    const told = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
    yield { change, ...told } as PlannedChange;
  }
}

function toText(planned: PlannedChange): string {
  switch (planned.change) {
    case 'added':
      return `+ ${printable(planned.path)}`;
    case 'removed':
      return `- ${printable(planned.path)}`;
    case 'moved':
      return `~ ${printable(planned.from)} → ${printable(planned.path)}`;
    case 'displaced':
      return `! ${printable(planned.path)} is not called ${printable(planned.wanted)}: that name is taken`;
    case 'hidden':
      return `! ${printable(planned.wanted)} of file ${planned.id} is not shown: another file there is newer`;
  }
}
