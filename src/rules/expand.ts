/**
 * Fills in templates. Whatever the values are, a path that comes out of here can be used as one: no segment is empty, `.`
 * or `..`, none is longer than 255 bytes, and no value makes a folder but `path` and `dir`.
 */
import type { Facts, Value } from '../query/facts.js';
import { cutName } from './names.js';
import type { Part, Placeholder, Reference, Template } from './template.js';

/** Where a file goes, or the value for want of which it goes nowhere. */
export type Expansion = { readonly paths: readonly string[] } | { readonly missing: string };

/** A file with ten labels and ten tags has a hundred places, which is plenty. */
const MOST_PATHS = 100;

/** Which of its values each starred name stands for. */
type Chosen = ReadonlyMap<string, Value>;

export function expand(template: Template, facts: Facts): Expansion {
  if (template.starred.length > 0) return expandEach(template, facts);
  const path = expandOnce(template, facts, undefined);
  return typeof path === 'string' ? { paths: [path] } : path;
}

/** Paths in the order of the values. A starred name stands for the same value wherever the template has it. */
function expandEach(template: Template, facts: Facts): Expansion {
  const paths = new Set<string>();
  let missing: { missing: string } | undefined;
  for (const chosen of choices(template, facts)) {
    const path = expandOnce(template, facts, chosen);
    if (typeof path === 'string') paths.add(path);
    else missing ??= path;
  }
  return paths.size === 0 && missing !== undefined ? missing : { paths: [...paths] };
}

/** Every combination of the values of starred names, the last name changing fastest. */
function* choices({ starred, references }: Template, facts: Facts): Generator<Chosen> {
  const names = starred.map(name => ({ name, values: valuesOf(references, name, facts) }));
  const existing = names.filter(({ values }) => values.length > 0).reverse();
  const count = existing.reduce((product, { values }) => product * values.length, 1);
  for (let number = 0; number < Math.min(count, MOST_PATHS); number++) {
    const chosen = new Map<string, Value>();
    let rest = number;
    for (const { name, values } of existing) {
      chosen.set(name, values[rest % values.length] ?? '');
      rest = Math.floor(rest / values.length);
    }
    yield chosen;
  }
}

function valuesOf(references: readonly Reference[], name: string, facts: Facts): readonly Value[] {
  const value = references.find(each => each.name === name)?.read(facts);
  if (value === undefined) return [];
  return typeof value === 'object' ? value : [value];
}

function expandOnce(
  template: Template,
  facts: Facts,
  chosen: Chosen | undefined,
): string | { missing: string } {
  const text = write(template.parts, facts, chosen);
  if (typeof text !== 'string') return { missing: namesIn(text) };
  // Of a name that is left with nothing, or with dots, the value that came last could have made something.
  return tidy(text) ?? { missing: template.references.at(-1)?.name ?? template.text };
}

function namesIn({ alternatives }: Placeholder): string {
  return alternatives.map(each => (typeof each === 'string' ? each : each.name)).join('|');
}

/** The text; or the placeholder for which there is nothing. */
function write(parts: readonly Part[], facts: Facts, chosen: Chosen | undefined): string | Placeholder {
  let text = '';
  for (const part of parts) {
    const written = typeof part === 'string' ? part : writePlaceholder(part, facts, chosen);
    if (typeof written !== 'string') return written;
    text += written;
  }
  return text;
}

function writePlaceholder(
  placeholder: Placeholder,
  facts: Facts,
  chosen: Chosen | undefined,
): string | Placeholder {
  for (const each of placeholder.alternatives) {
    const value = typeof each === 'string' ? each : render(each, facts, chosen);
    if (value === undefined) continue;
    return placeholder.text === undefined ? value : write(placeholder.text, facts, chosen);
  }
  return placeholder.optional ? '' : placeholder;
}

/** A value as it is part of a path; undefined when the file has none, or one that nothing is left of. */
export function render(reference: Reference, facts: Facts, chosen?: Chosen): string | undefined {
  const value = reference.star ? chosen?.get(reference.name) : undefined;
  const found = value ?? reference.read(facts);
  if (typeof found !== 'object') return found === undefined ? undefined : renderValue(reference, found);
  for (const each of found) {
    const rendered = renderValue(reference, each);
    if (rendered !== undefined) return rendered;
  }
  return undefined;
}

function renderValue(reference: Reference, value: Value): string | undefined {
  const text = reference.format(value);
  if (text === undefined) return undefined;
  if (reference.isPath) return renderPath(reference, text);
  const changed = change(reference, text);
  const name = UNSAFE.test(changed) ? safeName(changed) : changed;
  return BLANK.test(name) ? undefined : name;
}

function change({ changes }: Reference, text: string): string {
  let changed = text;
  for (const each of changes) changed = each(changed);
  return changed;
}

function renderPath(reference: Reference, path: string): string | undefined {
  const names = path.split('/').map(name => safeName(change(reference, name)));
  return names.every(name => BLANK.test(name)) ? undefined : names.join('/');
}

/** No name, and no value that could be one by itself. */
const BLANK = /^\s*\.{0,2}\s*$/;

// Half of a surrogate pair has no form in UTF-8.
const UNSAFE = /[/\p{Cc}\p{Cs}]/u;

function safeName(text: string): string {
  return text.replace(/[/\0]/g, '_').replace(/[\p{Cc}\p{Cs}]/gu, '');
}

const UNTIDY = /^$|^[\s/]|[\s/]$|\/[\s/]|\s\/|(?:^|\/)\.\.?(?:\/|$)/;

/** A folder that is left without a name is left out. Undefined: there is no name for the file, or one has only dots. */
function tidy(path: string): string | undefined {
  // 85 UTF-16 units are never more than 255 bytes.
  if (!UNTIDY.test(path) && (path.length <= 85 || Buffer.byteLength(path) <= 255)) return path;
  const names = path.split('/').map(name => cutName(name.trim()));
  if (names.at(-1) === '' || names.some(name => name === '.' || name === '..')) return undefined;
  return names.filter(name => name !== '').join('/');
}
