/** `facet rules check`: errors and warnings, each with its place. */
import { FacetError } from '../../src/errors.js';
import { command } from '../command.js';
import { formatItems } from '../format.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';

interface Finding {
  severity: 'error' | 'warning';
  file: string;
  line: number;
  column: number;
  message: string;
  hint: string | undefined;
}

export default command({
  description:
    'Checks rules.yaml: everything that is wrong with it, and what is probably not meant, such as rules that match nothing, properties that no file has, mounts that those before them leave nothing, and files that land nowhere. Asks every file, and changes nothing. Ends with status 2 when there are errors; warnings alone are no failure.',
  examples: [
    { command: 'facet rules check', says: 'before applying' },
    { command: 'facet rules check --json | jq -r \'select(.severity == "error")\'', says: 'only errors' },
  ],
  async run({ home, output, note }) {
    const [{ problemsOrDraft }, { warningsOf, knownProperties }, { survey }, { Ruleset }] = await Promise.all(
      [
        import('./draft.js'),
        import('../../src/rules/warnings.js'),
        import('../../src/rules/survey.js'),
        import('../../src/rules/ruleset.js'),
      ],
    );
    const volume = await openVolume(home);
    try {
      const draft = problemsOrDraft(home.rulesFile, volume);
      const found = (severity: Finding['severity']) => (problem: Omit<Finding, 'severity' | 'file'>) => ({
        severity,
        file: home.rulesFile,
        ...problem,
      });
      if (!('rules' in draft) || draft.problems.length > 0) {
        await output.rows(draft.problems.map(found('error')), toText);
        throw new FacetError('usage', `${formatItems(draft.problems.length, 'error')} in ${home.rulesFile}`);
      }
      const counts = survey(volume.db, new Ruleset(draft.rules), Date.now());
      await output.rows(warningsOf(draft, counts, knownProperties(volume.db)).map(found('warning')), toText);
      note(`asked ${formatItems(counts.files, 'file')}`);
    } finally {
      volume.close();
    }
  },
});

function toText({ severity, file, line, column, message, hint }: Finding): string {
  const text = `${printable(file)}:${line}:${column}: ${severity}: ${printable(message)}`;
  return hint === undefined ? text : `${text}\n  hint: ${printable(hint)}`;
}
