/** `facet index set`: properties of files. */

import { FacetError } from '../../src/errors.js';
import { type Property, readValue } from '../../src/query/facts.js';
import { argumentList, type CommandContext, command, option, optionList } from '../command.js';
import { file, text } from '../kinds.js';
import { openVolume } from '../volume.js';
import { describedText, describeFiles, describePath } from './describe.js';
import { propertyName } from './property-name.js';

type Changes = Record<string, Property | null>;

export default command({
  description:
    'Sets properties of a file, of every file below a directory, or of those that a glob matches: named values that rules and queries can ask for. They stay when the file is renamed within its source. A value that is a number is one; a name that is given several times has several values, which take the place of those before.',
  arguments: {
    words: argumentList(
      text,
      'PATH|NAME=VALUE',
      'a path in the tree, a glob, SOURCE:PATH or the number of a file; then what to set',
    ),
  },
  options: {
    unset: optionList(text, 'NAME', 'take a property away'),
    fromJson: option(file, 'FILE', 'read lines of JSON from FILE, or from standard input (-), instead'),
  },
  examples: [
    { command: 'facet index set /media/x.mkv title=Dune year=2021', says: 'two properties' },
    {
      command: 'facet index set /media/x.mkv genre=Drama genre=Adventure --unset rating',
      says: 'several values; one less',
    },
    {
      command: "jq -c '{path, properties: {title}}' films.json | facet index set --from-json -",
      says: 'for many files; null takes a property away, "labels" adds labels',
    },
  ],
  async run(context, { words }, { unset, fromJson }) {
    if (fromJson === undefined) {
      const { path, properties } = readWords(words, unset);
      await context.output.done(await describePath(context, path, { properties }), describedText);
    } else if (words.length + unset.length > 0) {
      throw new FacetError('usage', '--from-json says it all: give nothing else');
    } else await fromLines(context, fromJson);
  },
});

async function fromLines(context: CommandContext, name: string): Promise<void> {
  // Loads zod, which takes as long as all the rest.
  const { readDescriptions } = await import('./json-lines.js');
  const failures = { count: 0 };
  const volume = await openVolume(context.home);
  try {
    const lines = readDescriptions(volume, name, (line, error) => {
      failures.count++;
      context.warn(`line ${line}: ${error.message}`, error.hint);
    });
    const done = await describeFiles(context, lines);
    await context.output.done({ ...done, failed: failures.count }, describedText);
    if (failures.count === 0) return;
    const all = failures.count + done.files;
    throw new FacetError('partial', `${failures.count} of ${all} lines could not be used`);
  } finally {
    volume.close();
  }
}

function readWords(
  [path, ...settings]: readonly string[],
  unset: readonly string[],
): { path: string; properties: Changes } {
  if (path === undefined)
    throw new FacetError('usage', 'which file? give its path, then NAME=VALUE', {
      hint: 'see "facet index set --help"',
    });
  if (settings.length + unset.length === 0) {
    const hint = path.includes('=') ? 'the path of a file comes first' : undefined;
    throw new FacetError('usage', `what is to be set of ${path}? give NAME=VALUE`, { hint });
  }
  return { path, properties: changesOf(settings, unset) };
}

function changesOf(settings: readonly string[], unset: readonly string[]): Changes {
  const changes = new Map<string, Property | null>(unset.map(name => [name, null]));
  for (const setting of settings) {
    const sign = setting.indexOf('=');
    if (sign < 1) {
      throw new FacetError('usage', `expected NAME=VALUE, found '${setting}'`, {
        hint: 'take one away with --unset NAME',
      });
    }
    const name = propertyName(setting.slice(0, sign));
    const value = readValue(setting.slice(sign + 1));
    const before = changes.get(name) ?? null;
    changes.set(name, before === null ? value : [before, value].flat());
  }
  return Object.fromEntries(changes);
}
