/** The properties that rules ask for: what has to be known of files, so that the rules can place them. */
import { fieldsOf } from '../query/fields.js';
import { parseQuery } from '../query/parse.js';
import { parseTemplate } from './parse-template.js';
import type { FilterRule, MountRule, Rules } from './rules.js';
import { propertiesOf } from './template.js';

/** In the order of their names. Throws `usage` for malformed rules; those that are in force are not. */
export function askedProperties({ directories }: Rules): string[] {
  const names = new Set<string>();
  for (const directory of directories) {
    for (const name of inFilter(directory)) names.add(name);
    for (const mount of directory.mounts) for (const name of inMount(mount)) names.add(name);
  }
  return [...names].sort();
}

function* inMount(mount: MountRule): Generator<string> {
  yield* inFilter(mount);
  const { place, otherwise } = mount;
  if (place !== 'keep' && place !== 'flat') yield* inTemplate(place);
  if (otherwise !== undefined) yield* inTemplate(otherwise);
}

function* inFilter({ where, steps }: FilterRule): Generator<string> {
  if (where !== undefined) yield* inQuery(where);
  for (const { match } of steps) yield* inQuery(match);
}

function* inQuery(text: string): Generator<string> {
  for (const { name } of fieldsOf(parseQuery(text))) yield name;
}

function* inTemplate(text: string): Generator<string> {
  for (const { name } of propertiesOf(parseTemplate(text))) yield name;
}
