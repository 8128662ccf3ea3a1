/** Writes a query as canonical text, which reads as the same query. Pure. */
import type { Query, TextTest } from './ast.js';
import { formatPeriod } from './period.js';

export function formatQuery(query: Query): string {
  switch (query.kind) {
    case 'and':
      return query.of.map(inAnd).join(' and ');
    case 'or':
      return formatList(query.of) ?? query.of.map(formatQuery).join(' or ');
    case 'not':
      return formatNot(query.of);
    case 'contains':
      return isBareWord(query.text) ? query.text : quoted(query.text);
    case 'text':
      return formatTest(query.field, query.test);
    case 'label':
      return formatTest('label', query.test);
    case 'size':
      return `size${query.op}${inUnits(query.bytes, SIZE_UNITS)}`;
    case 'age':
      return `${query.field}${query.op}${inUnits(query.ms, DURATION_UNITS)}`;
    case 'mtime':
      return `mtime${query.op}${formatPeriod(query.period)}`;
    case 'property':
      return formatTest(fieldName(query.name), query.test);
    case 'state':
      return query.state;
    case 'present':
      return `${fieldName(query.field)} is present`;
  }
}

function inAnd(query: Query): string {
  const text = formatQuery(query);
  return query.kind === 'or' && formatList(query.of) === undefined ? `(${text})` : text;
}

function formatNot(query: Query): string {
  if (query.kind === 'present') return `${fieldName(query.field)} is missing`;
  const equality = equalityOf(query);
  if (equality) return `${equality.field}!=${equality.value}`;
  return query.kind === 'and' ? `not (${formatQuery(query)})` : `not ${inAnd(query)}`;
}

/** `x in [a, b]`, if that is what the `or` says. */
function formatList(of: readonly Query[]): string | undefined {
  const equalities = of.map(equalityOf);
  const field = equalities[0]?.field;
  if (field === undefined || !equalities.every(each => each?.field === field)) return undefined;
  return `${field} in [${equalities.map(each => each?.value).join(', ')}]`;
}

/** The two sides of `field=value`. */
function equalityOf(query: Query): { field: string; value: string } | undefined {
  switch (query.kind) {
    case 'text':
      return equalityOfText(query.field, query.test);
    case 'label':
      return equalityOfText('label', query.test);
    case 'property':
      return equalityOfText(fieldName(query.name), query.test);
    case 'size':
      return query.op === '=' ? { field: 'size', value: inUnits(query.bytes, SIZE_UNITS) } : undefined;
    case 'mtime':
      return query.op === '=' ? { field: 'mtime', value: formatPeriod(query.period) } : undefined;
    default:
      return undefined;
  }
}

function equalityOfText(field: string, test: TextTest): { field: string; value: string } | undefined {
  return test.op === '=' ? { field, value: plainValue(test.value) } : undefined;
}

function formatTest(field: string, test: TextTest): string {
  switch (test.op) {
    case 'glob':
      return `${field}:${/^[^\s()"'][^\s()]*$/.test(test.pattern) ? test.pattern : quotedPattern(test.pattern)}`;
    case 'regex':
      return `${field}~${test.ignoreCase ? 'i' : ''}${quotedPattern(test.pattern)}`;
    default:
      return `${field}${test.op}${plainValue(test.value)}`;
  }
}

/** Words of these characters mean nothing else, wherever they are. */
const PLAIN = /^[\p{L}\p{N}_.][\p{L}\p{N}\p{M}_.+/@#%-]*$/u;
const KEYWORD = /^(and|or|not|is|in|present|missing|cached|pinned)$/i;

function isBareWord(text: string): boolean {
  return PLAIN.test(text) && !KEYWORD.test(text);
}

function fieldName(name: string): string {
  return isBareWord(name) ? name : quoted(name);
}

function plainValue(text: string): string {
  return PLAIN.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Backslashes in a pattern are its own; a quote is escaped only where there is no other way. */
function quotedPattern(pattern: string): string {
  if (!hasBare('"', pattern)) return `"${pattern}"`;
  if (!hasBare("'", pattern)) return `'${pattern}'`;
  return `"${pattern.replace(/\\.|"/gs, found => (found === '"' ? '\\"' : found))}"`;
}

function hasBare(quote: string, pattern: string): boolean {
  return pattern.replace(/\\./gs, '').includes(quote);
}

type Units = readonly (readonly [name: string, amount: number])[];

const SIZE_UNITS: Units = [
  ['PB', 1e15],
  ['TiB', 2 ** 40],
  ['TB', 1e12],
  ['GiB', 2 ** 30],
  ['GB', 1e9],
  ['MiB', 2 ** 20],
  ['MB', 1e6],
  ['KiB', 2 ** 10],
  ['kB', 1e3],
];

const DURATION_UNITS: Units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

/** In the largest unit that divides it. */
function inUnits(amount: number, units: Units): string {
  const unit = units.find(([, each]) => amount > 0 && amount % each === 0);
  return unit === undefined ? String(amount) : `${amount / unit[1]}${unit[0]}`;
}
