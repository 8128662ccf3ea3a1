/**
 * The template language, from its text. A recursive descent over the text itself, because what a character means depends
 * on where it is: a parenthesis, a colon and a question mark are letters like others outside of braces.
 *
 *     parts       = { text | '{{' | '}}' | '{' placeholder '}' }
 *     placeholder = alternative { '|' alternative } [ '?' [ '(' parts ')' ] ]
 *     alternative = name [ '*' ] { ':' modifier } | '"' text '"'
 */
import { nearest } from '../config/nearest.js';
import { dateFormat, momentOfProperty, momentOfTime } from './dates.js';
import { type Change, changeNamed, type Format, MODIFIERS } from './modifiers.js';
import {
  type Part,
  type Placeholder,
  type Reference,
  readerOf,
  type Template,
  TemplateError,
} from './template.js';

interface Cursor {
  readonly text: string;
  at: number;
  readonly references: Reference[];
}

/** Throws a TemplateError. */
export function parseTemplate(text: string): Template {
  const cursor: Cursor = { text, at: 0, references: [] };
  const { references } = cursor;
  if (text.trim() === '') fail(0, 'the template is empty', 'a template is a path such as {source}/{path}');
  const parts = parseParts(cursor, undefined);
  const starred = new Set(references.filter(({ star }) => star).map(({ name }) => name));
  return { text, parts, references, starred: [...starred] };
}

function fail(at: number, message: string, hint?: string): never {
  throw new TemplateError(at + 1, message, hint);
}

/** A part, and where it begins. */
interface Placed {
  at: number;
  part: Part;
}

/** The whole template, or what is in the parentheses that open at `opened`. */
function parseParts(cursor: Cursor, opened: number | undefined): readonly Part[] {
  const placed: Placed[] = [];
  while (!isAtEnd(cursor, opened)) placed.push({ at: cursor.at, part: parsePart(cursor, opened) });
  checkFolders(placed, opened === undefined);
  return placed.map(({ part }) => part);
}

/** Passes over the `)}` that ends the text of a placeholder, but for its brace. */
function isAtEnd(cursor: Cursor, opened: number | undefined): boolean {
  const { text, at } = cursor;
  if (opened === undefined) return at >= text.length;
  if (at >= text.length) fail(opened, 'this parenthesis is not closed', 'such a text ends with )}');
  if (!text.startsWith(')}', at)) return false;
  cursor.at += 1;
  return true;
}

const TEXT = /[^{}]+/y;
const TEXT_IN_PARENTHESES = /(?:[^{})]|\)(?!\}))+/y;

function parsePart(cursor: Cursor, opened: number | undefined): Part {
  const { text, at } = cursor;
  const brace = text[at];
  if (brace === '{' && text[at + 1] !== '{') return parsePlaceholder(cursor);
  if (brace === '{' || brace === '}') {
    if (text[at + 1] !== brace)
      fail(at, 'this brace closes nothing', 'a brace that is part of a name is written }}');
    cursor.at += 2;
    return brace;
  }
  const found = take(cursor, opened === undefined ? TEXT : TEXT_IN_PARENTHESES);
  const control = found.search(/\p{Cc}/u);
  if (control >= 0) fail(at + control, 'a control character or a new line cannot be part of a name');
  return found;
}

/** What a sticky expression finds here, and the cursor after it. */
function take(cursor: Cursor, expression: RegExp): string {
  expression.lastIndex = cursor.at;
  const found = expression.exec(cursor.text)?.[0] ?? '';
  cursor.at += found.length;
  return found;
}

function takeIf(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function parsePlaceholder(cursor: Cursor): Placeholder {
  const opened = cursor.at;
  cursor.at += 1;
  const alternatives = parseAlternatives(cursor, opened);
  const optional = takeIf(cursor, '?');
  const parentheses = cursor.at;
  const text = optional && takeIf(cursor, '(') ? parseParts(cursor, parentheses) : undefined;
  if (text !== undefined) checkCondition(alternatives);
  if (!takeIf(cursor, '}')) failInside(cursor, opened);
  return { alternatives, optional, text };
}

function failInside({ text, at }: Cursor, opened: number): never {
  if (at >= text.length)
    fail(opened, 'this brace is not closed', 'a brace that is part of a name is written {{');
  fail(at, `${JSON.stringify(text[at])} cannot be here`, 'after a name there may be *, :pad2, | and ?');
}

function parseAlternatives(cursor: Cursor, opened: number): readonly (string | Reference)[] {
  const alternatives: (string | Reference)[] = [];
  do {
    const [last] = alternatives.slice(-1);
    if (typeof last === 'string') fail(cursor.at, 'what follows a text is never used', 'the text comes last');
    alternatives.push(takeIf(cursor, '"') ? parseText(cursor) : parseReference(cursor, opened));
  } while (takeIf(cursor, '|'));
  return alternatives;
}

function parseText(cursor: Cursor): string {
  const at = cursor.at;
  const text = take(cursor, /[^"]*/y);
  if (!takeIf(cursor, '"')) fail(at - 1, 'this quote is not closed');
  const wrong = text.split('/').find(segment => /^\s*\.\.?\s*$|\p{Cc}/u.test(segment));
  if (wrong !== undefined) fail(at + text.indexOf(wrong), `${JSON.stringify(wrong)} cannot be a name`);
  return text;
}

/** A path has one name inside of another one; the values of both would be multiplied with the text. */
function checkCondition(alternatives: readonly (string | Reference)[]): void {
  for (const each of alternatives) {
    if (typeof each !== 'string' && each.star) {
      fail(each.column - 1, 'a star cannot be in a condition', `write {${each.name}?(… {${each.name}*})}`);
    }
  }
}

const NAME = /[^{}|:?*"()/\\,<>=~!\s\p{Cc}]+/uy;

function parseReference(cursor: Cursor, opened: number): Reference {
  const at = cursor.at;
  const name = take(cursor, NAME);
  if (name === '') failInside(cursor, opened);
  const star = takeIf(cursor, '*');
  const modifiers = parseModifiers(cursor, name);
  const isPath = name === 'path' || name === 'dir';
  const written = cursor.text.slice(at, cursor.at);
  const reference = { name, written, column: at + 1, star, isPath, read: readerOf(name), ...modifiers };
  cursor.references.push(reference);
  return reference;
}

interface Modifiers {
  format: Format;
  changes: Change[];
}

function parseModifiers(cursor: Cursor, name: string): Modifiers {
  const read = name === 'mtime' ? momentOfTime : momentOfProperty;
  const modifiers: Modifiers = { format: plainFormat(name), changes: [] };
  for (let first = true; takeIf(cursor, ':'); first = false) {
    const at = cursor.at;
    const word = take(cursor, /[^{}|:?*"()]*/y);
    const change = changeNamed(word);
    const format = change === undefined ? dateFormat(word, read) : undefined;
    if (change !== undefined) modifiers.changes.push(change);
    else if (format !== undefined && first) modifiers.format = format;
    else failModifier(at, word, format !== undefined);
  }
  return modifiers;
}

/** A time is of use as a date only. */
function plainFormat(name: string): Format {
  return (name === 'mtime' ? dateFormat('YYYY-MM-DD', momentOfTime) : undefined) ?? String;
}

function failModifier(at: number, word: string, isDate: boolean): never {
  if (isDate) fail(at, `the date ${word} comes first, and there is only one`, 'hours and minutes: HH.mm');
  if (word.includes('/') && /YY|MM|DD/.test(word)) {
    const apart = word.split('/').map(part => `{…:${part}}`);
    fail(at, 'a date is part of one name', `for folders write ${apart.join('/')}`);
  }
  const near = nearest(word, MODIFIERS);
  const known = 'the modifiers are pad2, upper, lower, title, slug and dates such as YYYY-MM-DD';
  fail(at, `there is no modifier "${word}"`, near === undefined ? known : `did you mean ${near}?`);
}

/** Stretches between slashes of which every letter is known. The first and last inside of parentheses go on outside. */
function checkFolders(placed: readonly Placed[], whole: boolean): void {
  const segments = segmentsOf(placed);
  const last = segments.length - 1;
  for (const [index, { at, text }] of segments.entries()) {
    const isOpen = !whole && (index === 0 || index === last);
    if (text === undefined || isOpen) continue;
    const name = text.trim();
    if (name === '.' || name === '..') fail(at, `a folder cannot be called ${name}`);
    if (name !== '') continue;
    if (index === 0) fail(at, 'a template does not begin with a slash', 'it is a path below its directory');
    if (index === last) fail(at - 1, 'a template does not end with a slash', 'end it with {fileName}');
    fail(at, 'a folder without a name');
  }
}

/** `text` is undefined when a value is part of it. */
function segmentsOf(placed: readonly Placed[]): { at: number; text: string | undefined }[] {
  const segments: { at: number; text: string | undefined }[] = [{ at: placed[0]?.at ?? 0, text: '' }];
  for (const { at, part } of placed) {
    const names = typeof part === 'string' ? part.split('/') : [undefined];
    let offset = at;
    for (const [index, name] of names.entries()) {
      const open = segments.at(-1);
      if (index > 0 || open === undefined) segments.push({ at: offset, text: name });
      else open.text = open.text === undefined || name === undefined ? undefined : open.text + name;
      offset += (name?.length ?? 0) + 1;
    }
  }
  return segments;
}
