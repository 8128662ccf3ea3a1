/** Random queries and files that often fit each other, and a slow evaluator to compare the fast ones with. */
import fc from 'fast-check';
import { type Comparison, combine, type Query, STATES, type TextTest } from '../../src/query/ast.js';
import { type Facts, mimeType, type Property, type Value } from '../../src/query/facts.js';
import { compileGlob } from '../../src/query/glob.js';
import { parsePeriod } from '../../src/query/period.js';

/** A whole number of milliseconds, in 2024. */
export const NOW = Date.UTC(2024, 5, 15, 12);

/** Columns are no part of what a query means. */
export function withoutColumns(query: Query): Query {
  if (query.kind === 'and' || query.kind === 'or') return { ...query, of: query.of.map(withoutColumns) };
  if (query.kind === 'not') return { ...query, of: withoutColumns(query.of) };
  const { column: _, ...rest } = { column: 0, ...query };
  return rest;
}

const LETTERS = [
  'a',
  'B',
  'ab',
  'é',
  'É',
  'Σ',
  'ς',
  'K',
  'k',
  'İ',
  'i',
  '%',
  '_',
  '\\',
  '"',
  "'",
  ' ',
  '(',
  '日',
  '😀',
  '*',
];
const ENDINGS = ['', '', '.pdf', '.PDF', '.mkv', '.tar.gz', '.', '.K', '.jpg', '.É'];
const FOLDERS = ['', '', 'work', 'work/a', 'work/a/é', 'Work', 'workshop', 'work (1)', 'a'];
const SOURCES = ['docs', 'media'];
const LABELS = ['work', 'Work', 'wo*', 'é', 'a b'];
const PROPERTIES = [
  'title',
  'year',
  'a.b',
  'a',
  'q"x',
  'back\\slash',
  'constructor',
  '__proto__',
  'é',
  'new\nline',
];
const VALUES: readonly Value[] = [
  'Dune',
  'dune',
  '5',
  '05',
  '5.50',
  '',
  'a b',
  '1e3',
  5,
  5.5,
  -1,
  1000,
  2 ** 53,
  '123456789012345678',
  1e21,
];
const GLOBS = [
  '*',
  'a*',
  '*.pdf',
  '*a*b*',
  '[aB]*',
  '{a,é}*',
  '?',
  '??*',
  '*\\**',
  '*"*',
  '*(*',
  'ab',
  '*.{pdf,mkv}',
  '*a*a*a*',
];
const PATH_GLOBS = [
  ...GLOBS,
  '**',
  'work/**',
  'work/*',
  '**/*.pdf',
  'work (1)/*',
  '**/a/**',
  'work/a/**/a*',
  '*/*',
  'wo*/**',
  'a/**',
  'work/{a,b}/**',
];
const REGEXES = ['a', '^a', 'b$', 'a.*b', '[aé]', '^$', 'k', 'x|é', '\\.', '"'];
const COMPARISONS: readonly Comparison[] = ['=', '<', '<=', '>', '>='];
const ORDERS = ['<', '<=', '>', '>='] as const;
const AGES_MS = [0, 1, 1000, 86_400_000, 30 * 86_400_000];
const DATES = ['2024', '2023', '2024-06', '2024-06-15', '2024-06-15T12:00', '2024-06-15T12:00:00.000'];

export const someName = fc
  .tuple(fc.array(fc.constantFrom(...LETTERS), { minLength: 1, maxLength: 4 }), fc.constantFrom(...ENDINGS))
  .map(([letters, ending]) => letters.join('') + ending);

const regexTest = fc.record({
  op: fc.constant('regex' as const),
  pattern: fc.constantFrom(...REGEXES),
  ignoreCase: fc.boolean(),
});

function globTest(globs: readonly string[]): fc.Arbitrary<TextTest> {
  return fc.record({ op: fc.constant('glob' as const), pattern: fc.constantFrom(...globs) });
}

function comparison(values: fc.Arbitrary<string>, ops: readonly Comparison[]): fc.Arbitrary<TextTest> {
  return fc.record({ op: fc.constantFrom(...ops), value: values });
}

const nameTest = fc.oneof(globTest(GLOBS), regexTest, comparison(someName, COMPARISONS));
const pathTest = fc.oneof(
  globTest(PATH_GLOBS),
  regexTest,
  comparison(fc.tuple(fc.constantFrom(...FOLDERS), someName).map(joined), COMPARISONS),
);
const labelTest = fc.oneof(
  globTest(['work', 'wo*', '[wW]ork', '*']),
  regexTest,
  comparison(fc.constantFrom(...LABELS), ['=']),
);
const valueTest = fc.oneof(
  regexTest,
  comparison(fc.constantFrom(...VALUES.map(String), '6', 'e'), COMPARISONS),
);

function joined([folder, name]: readonly [string, string]): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function text(field: (Query & { kind: 'text' })['field'], test: fc.Arbitrary<TextTest>): fc.Arbitrary<Query> {
  return test.map(each => ({ kind: 'text', field, test: each }));
}

const leaf: fc.Arbitrary<Query> = fc.oneof(
  fc
    .oneof(fc.constantFrom(...LETTERS, '.p', 'oΣ'), someName)
    .map(each => ({ kind: 'contains', text: each }) as const),
  text('name', nameTest),
  text('fileName', nameTest),
  text('stem', nameTest),
  text('path', pathTest),
  text(
    'dir',
    fc.oneof(globTest(PATH_GLOBS), regexTest, comparison(fc.constantFrom('work', 'a', 'zz'), COMPARISONS)),
  ),
  text(
    'source',
    fc.oneof(globTest(['d*', 'docs']), comparison(fc.constantFrom('docs', 'Docs'), COMPARISONS)),
  ),
  text('node', comparison(fc.constantFrom('here', 'elsewhere'), COMPARISONS)),
  text(
    'ext',
    fc.oneof(
      globTest(['p*', 'pdf']),
      regexTest,
      comparison(fc.constantFrom('pdf', 'k', 'é', 'mkv', '%'), ['=']),
    ),
  ),
  text(
    'mime',
    fc.oneof(globTest(['image/*', '*/pdf']), comparison(fc.constantFrom('application/pdf'), ['='])),
  ),
  text(
    'type',
    fc.oneof(globTest(['*i*']), comparison(fc.constantFrom('link', 'document', 'other', 'video'), ['='])),
  ),
  labelTest.map(test => ({ kind: 'label', test }) as const),
  fc.record({
    kind: fc.constant('size' as const),
    op: fc.constantFrom(...COMPARISONS),
    bytes: fc.constantFrom(0, 1, 1000),
  }),
  fc.record({
    kind: fc.constant('age' as const),
    field: fc.constantFrom('age' as const, 'age' as const, 'accessed' as const),
    op: fc.constantFrom(...ORDERS),
    ms: fc.constantFrom(...AGES_MS),
  }),
  fc
    .tuple(fc.constantFrom(...COMPARISONS), fc.constantFrom(...DATES))
    .map(([op, date]) => ({ kind: 'mtime', op, period: parsePeriod(date) ?? { from: 0, to: 0 } }) as const),
  fc.record({
    kind: fc.constant('property' as const),
    name: fc.constantFrom(...PROPERTIES),
    test: valueTest,
  }),
  fc.record({ kind: fc.constant('state' as const), state: fc.constantFrom(...STATES) }),
  fc.record({
    kind: fc.constant('present' as const),
    field: fc.constantFrom(...PROPERTIES, 'ext', 'dir', 'label', 'size', 'accessed'),
  }),
);

export const someQuery: fc.Arbitrary<Query> = fc.letrec<{ query: Query }>(tie => ({
  query: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('query').map((of): Query => ({ kind: 'not', of })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
      )
      .map(([kind, of]) => combine(kind, of)),
  ),
})).query;

export interface SomeFile {
  source: string;
  folder: string;
  name: string;
  size: number;
  mtimeUs: number;
  accessedMs?: number | undefined;
  isLink: boolean;
  labels: string[];
  properties: Record<string, Property>;
}

const someProperty: fc.Arbitrary<Property> = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.array(fc.constantFrom(...VALUES), { maxLength: 2 }),
);

export const someFile: fc.Arbitrary<SomeFile> = fc.record({
  source: fc.constantFrom(...SOURCES),
  folder: fc.constantFrom(...FOLDERS),
  name: someName,
  size: fc.constantFrom(0, 1, 999, 1000, 1001),
  mtimeUs: fc
    .tuple(fc.constantFrom(...AGES_MS, -5000, 400 * 86_400_000), fc.integer({ min: -2000, max: 2000 }))
    .map(([age, more]) => (NOW - age) * 1000 + more),
  accessedMs: fc.option(
    fc.constantFrom(...AGES_MS).map(age => NOW - age),
    { nil: undefined },
  ),
  isLink: fc.boolean(),
  labels: fc.uniqueArray(fc.constantFrom(...LABELS), { maxLength: 2 }),
  // Not fc.dictionary, whose `__proto__` would be no property.
  properties: fc
    .array(fc.tuple(fc.constantFrom(...PROPERTIES), someProperty), { maxLength: 3 })
    .map(entries => Object.fromEntries(entries)),
});

export function factsOf(file: SomeFile, id = 1, accessedMs = file.accessedMs): Facts {
  return {
    id,
    source: file.source,
    node: 'here',
    path: joined([file.folder, file.name]),
    name: file.name,
    isLink: file.isLink,
    size: file.size,
    mtimeMs: Math.floor(file.mtimeUs / 1000),
    accessedMs,
    labels: new Set(file.labels),
    properties: file.properties,
  };
}

/** As the design says it, one sentence after another. */
export function naively(query: Query, facts: Facts, now = NOW): boolean {
  switch (query.kind) {
    case 'and':
      return query.of.every(each => naively(each, facts, now));
    case 'or':
      return query.of.some(each => naively(each, facts, now));
    case 'not':
      return !naively(query.of, facts, now);
    case 'contains':
      return plainFold(facts.name).includes(plainFold(query.text));
    case 'text':
      return fieldValues(query.field, facts).some(value => testsText(query.test, value, query.field));
    case 'label':
      return [...facts.labels].some(label => testsText(query.test, label));
    case 'size':
      return compares(query.op, facts.size, query.bytes);
    case 'age': {
      const from = query.field === 'age' ? facts.mtimeMs : (facts.accessedMs ?? -Infinity);
      return compares(query.op, now - from, query.ms);
    }
    case 'mtime':
      return inPeriod(query.op, facts.mtimeMs, query.period);
    case 'property':
      return valuesOf(facts, query.name).some(value => testsValue(query.test, value));
    case 'state':
      return query.files?.has(facts.id) ?? false;
    case 'present':
      return present(query.field, facts);
  }
}

function plainFold(name: string): string {
  return [...name]
    .map(letter => (letter === 'İ' || letter === '\u212a' ? letter : letter.toLowerCase()))
    .join('')
    .replaceAll('ς', 'σ');
}

function fieldValues(field: string, { name, path, source, node, isLink }: Facts): string[] {
  const [, stem = name, ext = ''] = /^(.+)\.([^.]+)$/s.exec(name) ?? [];
  switch (field) {
    case 'stem':
      return [stem];
    case 'ext':
      return ext === '' ? [] : [plainFold(ext)];
    case 'path':
      return [path];
    case 'dir':
      return path.includes('/') ? [path.slice(0, path.lastIndexOf('/'))] : [];
    case 'source':
      return [source];
    case 'node':
      return [node];
    case 'mime':
      return [mimeType(name)];
    case 'type':
      return [isLink ? 'link' : (TYPES[ext.toLowerCase()] ?? 'other')];
    default:
      return [name];
  }
}

const TYPES: Readonly<Record<string, string>> = {
  pdf: 'document',
  mkv: 'video',
  gz: 'archive',
  jpg: 'image',
};

function testsText(test: TextTest, value: string, field = ''): boolean {
  switch (test.op) {
    case 'glob':
      // For `?`, picomatch takes what is outside the BMP for two characters.
      return compileGlob(test.pattern)(value.replace(/[\u{10000}-\u{10ffff}]/gu, '\ue000'));
    case 'regex':
      return new RegExp(test.pattern, test.ignoreCase || field === 'ext' ? 'isu' : 'su').test(value);
    default:
      return compares(test.op, value, test.value);
  }
}

function testsValue(test: TextTest, value: Value): boolean {
  if (test.op === 'glob' || test.op === 'regex') return testsText(test, String(value));
  const numeric = (each: Value) =>
    typeof each === 'number' || (/^-?\d+(\.\d+)?$/.test(each) && each.length < 16) ? [Number(each)] : [];
  const [wanted] = numeric(test.value);
  const [found] = numeric(value);
  if (wanted === undefined) return compares(test.op, String(value), test.value);
  return found !== undefined && compares(test.op, found, wanted);
}

function compares<T extends Value>(op: Comparison, left: T, right: T): boolean {
  if (op === '=') return left === right;
  if (op.startsWith('<')) return left < right || (op === '<=' && left === right);
  return left > right || (op === '>=' && left === right);
}

function inPeriod(op: Comparison, at: number, { from, to }: { from: number; to: number }): boolean {
  const isIn = at >= from && at < to;
  if (op === '=') return isIn;
  const side = op.startsWith('<') ? at < from : at >= to;
  return side || (op.endsWith('=') && isIn);
}

function valuesOf({ properties }: Facts, name: string): readonly Value[] {
  const found = Object.entries(properties).find(([key]) => key === name)?.[1];
  return found === undefined ? [] : [found].flat();
}

function present(field: string, facts: Facts): boolean {
  if (field === 'label') return facts.labels.size > 0;
  if (field === 'accessed') return facts.accessedMs !== undefined;
  if (field === 'ext' || field === 'dir') return fieldValues(field, facts).length > 0;
  return field === 'size' || valuesOf(facts, field).length > 0;
}
