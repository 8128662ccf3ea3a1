/** Reads what a field is compared with, and says what the field does not take. */
import { nearest } from '../config/nearest.js';
import { parseDuration, parseSize } from '../config/units.js';
import { FacetError } from '../errors.js';
import type { Comparison, FoldedField, Query, TextTest } from './ast.js';
import type { Cursor, Found } from './cursor.js';
import { KINDS } from './facts.js';
import { isFoldedField, isTextField } from './fields.js';
import { fold } from './fold.js';
import { compileLinearGlob, compileRegex } from './patterns.js';
import { parsePeriod, periodSays } from './period.js';

export function readComparison(cursor: Cursor, field: Found, op: Comparison, value: Found): Query {
  switch (field.text) {
    case 'size':
      return { kind: 'size', op, bytes: atColumn(cursor, value, () => parseSize(value.text)) };
    case 'age':
    case 'accessed':
      if (op === '=')
        throw notTaken(
          cursor,
          field,
          '= or !=',
          `nothing is as old as that to the millisecond: write ${field.text}<${value.text}`,
        );
      return {
        kind: 'age',
        field: field.text,
        op,
        ms: atColumn(cursor, value, () => parseDuration(value.text)),
      };
    case 'mtime':
      return { kind: 'mtime', op, period: readPeriod(cursor, value) };
    default:
      return aboutText(cursor, field, { op, value: plainValue(cursor, field, op, value) });
  }
}

function readPeriod(cursor: Cursor, { text, at }: Found) {
  const period = parsePeriod(text);
  if (period === undefined) throw cursor.error(at, `expected ${periodSays}, found '${text}'`);
  return period;
}

function plainValue(cursor: Cursor, field: Found, op: Comparison, value: Found): string {
  // The file of that very name can be asked for in quotes.
  if (op === '=' && !value.quoted && value.text.includes('*') && isTextField(field.text)) {
    throw cursor.error(value.at, `'${value.text}' looks like a glob`, `write ${field.text}:${value.text}`);
  }
  if (field.text === 'path' || field.text === 'dir') return belowRoot(value.text);
  if (!isFoldedField(field.text) && field.text !== 'label') return value.text;
  if (op !== '=') throw notTaken(cursor, field, op, 'it takes =, !=, ~, : and in');
  return isFoldedField(field.text) ? foldedValue(cursor, field.text, value) : value.text;
}

/** Values that no file can have are errors. */
function foldedValue(cursor: Cursor, field: FoldedField, { text, at }: Found): string {
  const value = foldedText(field, text);
  if (field === 'ext' && value.includes('.'))
    throw cursor.error(at, `an extension is what follows the last dot`, `write name:*.${value}`);
  if (field === 'mime' && !value.includes('/'))
    throw cursor.error(at, `'${text}' is no media type`, `write type=${value}, or mime:${value}/*`);
  if (field === 'type' && !KINDS.some(kind => kind === value)) {
    const near = nearest(value, KINDS);
    const hint = near === undefined ? `the types are ${KINDS.join(', ')}` : `did you mean ${near}?`;
    throw cursor.error(at, `no type '${text}'`, hint);
  }
  return value;
}

function foldedText(field: FoldedField, text: string): string {
  return fold(field === 'ext' ? text.replace(/^\./, '') : text);
}

export function readGlob(cursor: Cursor, field: Found, value: Found): Query {
  if (!isTextField(field.text) && field.text !== 'label')
    throw notTaken(cursor, field, ':', `it takes <, <=, > and >=`);
  const pattern = patternOf(cursor, field, value);
  atColumn(cursor, value, () => compileLinearGlob(pattern));
  return aboutText(cursor, field, { op: 'glob', pattern });
}

/** `/work`, `./work` and `work` are one path below a source. */
function belowRoot(path: string): string {
  return path.replace(/^(?:\.?\/)+/, '');
}

function patternOf(cursor: Cursor, field: Found, { text, at }: Found): string {
  switch (field.text) {
    case 'path':
      // A prefix of the rules file: everything below.
      return belowRoot(text).replace(/\/$/, '/**') || '**';
    case 'dir':
      return belowRoot(text).replace(/\/+$/, '') || '**';
    case 'name':
    case 'fileName':
    case 'stem':
      if (text.includes('/')) throw cursor.error(at, `no ${field.text} has a slash`, `write path:${text}`);
      return text;
    default:
      return isFoldedField(field.text) ? foldedText(field.text, text) : text;
  }
}

/** `field~"re"`, or `field~i"re"` for either case. */
export function readRegex(cursor: Cursor, field: Found): Query {
  const ignoreCase = /^i["']/.test(cursor.text.slice(cursor.at, cursor.at + 2)) && cursor.take('i');
  if (cursor.next !== '"' && cursor.next !== "'")
    throw cursor.error(
      cursor.at,
      'expected a regular expression in quotes after ~',
      `write ${field.text}~"…"`,
    );
  const found = cursor.quoted(true);
  atColumn(cursor, found, () => compileRegex(found.text, ignoreCase));
  return aboutText(cursor, field, { op: 'regex', pattern: found.text, ignoreCase });
}

function aboutText(cursor: Cursor, field: Found, test: TextTest): Query {
  const { text: name, at } = field;
  if (isTextField(name)) return { kind: 'text', field: name, test };
  if (name === 'label') return { kind: 'label', test };
  if (['size', 'age', 'accessed', 'mtime'].includes(name))
    throw notTaken(cursor, field, '~', 'it takes <, <=, > and >=');
  return { kind: 'property', name, test, column: at + 1 };
}

function notTaken(cursor: Cursor, { text, at }: Found, operator: string, hint: string): FacetError {
  return cursor.error(at, `${text} does not take ${operator}`, hint);
}

/** Gives the errors of readers that know no columns the place of the value. */
function atColumn<T>(cursor: Cursor, { at }: Found, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof FacetError ? cursor.error(at, error.message, error.hint) : error;
  }
}
