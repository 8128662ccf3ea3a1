/** What is probably not meant: rules that do nothing, names that no file has. Nothing of it keeps rules from being applied. */
import type { Database } from 'better-sqlite3';
import { byPlace } from '../config/document.js';
import { nearest } from '../config/nearest.js';
import type { Draft, Problem } from './document.js';
import { parseTemplate } from './parse-template.js';
import type { DirectoryRule, FilterRule, MountRule } from './rules.js';
import type { Survey } from './survey.js';

/** In the order of their lines. */
export function warningsOf(draft: Draft, survey: Survey, properties: ReadonlySet<string>): Problem[] {
  const warnings = [
    ...unknownFields(draft, properties),
    ...nowhere(draft, survey),
    ...draft.rules.directories.flatMap(directory => [
      ...stepsWithoutEnd(directory),
      ...directory.mounts.flatMap(mount => [
        ...(mount.line === directory.line ? [] : stepsWithoutEnd(mount)),
        ...idle(directory, mount, survey),
        ...oneNameForAll(directory, mount),
      ]),
    ]),
  ];
  return warnings.sort(byPlace);
}

/** Without directories every file has its place. */
function* nowhere({ rules }: Draft, { nowhere: count, nowhereExample }: Survey): Generator<Problem> {
  const [first] = rules.directories;
  if (!first || count === 0) return;
  const message = count === 1 ? 'one file lands nowhere' : `${count} files land nowhere`;
  yield { line: first.line, column: 1, message, hint: `see why: facet rules explain ${nowhereExample}` };
}

/** The names of all properties that files have. */
export function knownProperties(db: Database): Set<string> {
  const keys = db
    .prepare<[], string>('SELECT DISTINCT each.key FROM properties, json_each(properties.json) AS each')
    .pluck();
  return new Set(keys.all());
}

function* unknownFields({ fields }: Draft, known: ReadonlySet<string>): Generator<Problem> {
  const told = new Set<string>();
  for (const { name, line, column } of fields) {
    const place = `${line}:${name}`;
    if (known.has(name) || told.has(place)) continue;
    told.add(place);
    const near = nearest(name, [...known]);
    const hint = near === undefined ? 'facet index set gives files properties' : `did you mean ${near}?`;
    yield { line, column, message: `no file has the property ${name}`, hint };
  }
}

function* stepsWithoutEnd({ steps, default: rest, line }: FilterRule & { line: number }): Generator<Problem> {
  if (steps.length === 0 || steps.some(({ then }) => then !== rest)) return;
  const message = `every file is ${rest}d, whether a step matches or not`;
  const hint = `add default: ${rest === 'include' ? 'exclude' : 'include'}`;
  yield { line, column: 1, message, hint };
}

/** Somebody meant `keep` or `flat`, perhaps. */
function* oneNameForAll(directory: DirectoryRule, { place, line }: MountRule): Generator<Problem> {
  if (place === 'keep' || place === 'flat' || parseTemplate(place).references.length > 0) return;
  const message = `${place} has no value: every file of /${directory.path} would have this name`;
  yield { line, column: 1, message, hint: 'place is keep, flat or a template such as {fileName}' };
}

function* idle(directory: DirectoryRule, mount: MountRule, survey: Survey): Generator<Problem> {
  const count = survey.mounts.get(mount);
  if (!count || count.taken > 0) return;
  const what =
    directory.mounts.length === 1 ? `/${directory.path}` : `mount ${mount.name} of /${directory.path}`;
  const { line } = mount;
  if (count.shadowed > 0) {
    const message = `${what} is shadowed: mounts before it take all ${count.shadowed} files that it matches`;
    yield { line, column: 1, message, hint: 'move it up, or narrow those before it' };
  } else if (count.missing > 0) {
    const message = `${what} takes no file: of ${count.missing} that it matches, each lacks a value that its template needs`;
    yield { line, column: 1, message, hint: 'add otherwise, or make values optional: {year?}' };
  } else yield { line, column: 1, message: `${what} matches no file`, hint: undefined };
}
