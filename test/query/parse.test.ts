/** What queries mean, and where wrong ones are wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Query } from '../../src/query/ast.js';
import { fieldsOf } from '../../src/query/fields.js';
import { formatQuery } from '../../src/query/format.js';
import { parseQuery } from '../../src/query/parse.js';
import { QueryError } from '../../src/query/query-error.js';
import { withoutColumns } from '../support/queries.js';
import { runs } from '../support/random.js';

const contains = (text: string): Query => ({ kind: 'contains', text });
const DAY_MS = 86_400_000;

const forms: readonly (readonly [string, Query])[] = [
  ['budget', contains('budget')],
  ['"annual report"', contains('annual report')],
  ["'annual report'", contains('annual report')],
  ['"a \\"b\\" \\\\ \\d"', contains('a "b" \\ \\d')],
  ["don't", contains("don't")],
  ['[1080p]', contains('[1080p]')],
  ['a b', { kind: 'and', of: [contains('a'), contains('b')] }],
  ['a and b', { kind: 'and', of: [contains('a'), contains('b')] }],
  ['a AND b', { kind: 'and', of: [contains('a'), contains('b')] }],
  ['a (b c)', { kind: 'and', of: [contains('a'), contains('b'), contains('c')] }],
  ['"and"', contains('and')],
  ['a or b c', { kind: 'or', of: [contains('a'), { kind: 'and', of: [contains('b'), contains('c')] }] }],
  ['not a b', { kind: 'and', of: [{ kind: 'not', of: contains('a') }, contains('b')] }],
  ['not (a or b)', { kind: 'not', of: { kind: 'or', of: [contains('a'), contains('b')] } }],
  ['not not a', { kind: 'not', of: { kind: 'not', of: contains('a') } }],
  ['name:*.pdf', { kind: 'text', field: 'name', test: { op: 'glob', pattern: '*.pdf' } }],
  ['name:"Heat (1995)*"', { kind: 'text', field: 'name', test: { op: 'glob', pattern: 'Heat (1995)*' } }],
  ['path:work/**', { kind: 'text', field: 'path', test: { op: 'glob', pattern: 'work/**' } }],
  ['path:./a', { kind: 'text', field: 'path', test: { op: 'glob', pattern: 'a' } }],
  ['dir=/a', { kind: 'text', field: 'dir', test: { op: '=', value: 'a' } }],
  ['path:/films/', { kind: 'text', field: 'path', test: { op: 'glob', pattern: 'films/**' } }],
  [
    'path~"S\\d+E\\d+"',
    { kind: 'text', field: 'path', test: { op: 'regex', pattern: 'S\\d+E\\d+', ignoreCase: false } },
  ],
  ['name~i"x|y"', { kind: 'text', field: 'name', test: { op: 'regex', pattern: 'x|y', ignoreCase: true } }],
  ['size>5MB', { kind: 'size', op: '>', bytes: 5_000_000 }],
  ['size <= 1GiB', { kind: 'size', op: '<=', bytes: 2 ** 30 }],
  ['size=0', { kind: 'size', op: '=', bytes: 0 }],
  ['age<30d', { kind: 'age', field: 'age', op: '<', ms: 30 * DAY_MS }],
  ['accessed>=12h', { kind: 'age', field: 'accessed', op: '>=', ms: DAY_MS / 2 }],
  [
    'mtime>=2024-01-31',
    {
      kind: 'mtime',
      op: '>=',
      period: { from: Date.UTC(2024, 0, 31), to: Date.UTC(2024, 1, 1) },
    },
  ],
  ['mtime=2024', { kind: 'mtime', op: '=', period: { from: Date.UTC(2024), to: Date.UTC(2025) } }],
  ['mtime<2024-12', { kind: 'mtime', op: '<', period: { from: Date.UTC(2024, 11), to: Date.UTC(2025) } }],
  [
    'mtime=2024-01-01T10:00+02:00',
    {
      kind: 'mtime',
      op: '=',
      period: { from: Date.UTC(2024, 0, 1, 8), to: Date.UTC(2024, 0, 1, 8, 1) },
    },
  ],
  [
    'mtime>2024-01-01T10:00:01.5Z',
    {
      kind: 'mtime',
      op: '>',
      period: { from: Date.UTC(2024, 0, 1, 10, 0, 1, 500), to: Date.UTC(2024, 0, 1, 10, 0, 1, 501) },
    },
  ],
  ['mime:image/*', { kind: 'text', field: 'mime', test: { op: 'glob', pattern: 'image/*' } }],
  ['type=Video', { kind: 'text', field: 'type', test: { op: '=', value: 'video' } }],
  ['ext=.MKV', { kind: 'text', field: 'ext', test: { op: '=', value: 'mkv' } }],
  ['source=docs', { kind: 'text', field: 'source', test: { op: '=', value: 'docs' } }],
  ['node=nas', { kind: 'text', field: 'node', test: { op: '=', value: 'nas' } }],
  ['label:work', { kind: 'label', test: { op: 'glob', pattern: 'work' } }],
  ['label=work', { kind: 'label', test: { op: '=', value: 'work' } }],
  ['title=Dune', { kind: 'property', name: 'title', test: { op: '=', value: 'Dune' }, column: 1 }],
  [
    'title!="Dune 2"',
    {
      kind: 'not',
      of: { kind: 'property', name: 'title', test: { op: '=', value: 'Dune 2' }, column: 1 },
    },
  ],
  ['year >= 2010', { kind: 'property', name: 'year', test: { op: '>=', value: '2010' }, column: 1 }],
  [
    'tags.primary~"^a"',
    {
      kind: 'property',
      name: 'tags.primary',
      test: { op: 'regex', pattern: '^a', ignoreCase: false },
      column: 1,
    },
  ],
  ['"my title"=""', { kind: 'property', name: 'my title', test: { op: '=', value: '' }, column: 1 }],
  [
    'x in [a, "b c"]',
    {
      kind: 'or',
      of: [
        { kind: 'property', name: 'x', test: { op: '=', value: 'a' }, column: 1 },
        { kind: 'property', name: 'x', test: { op: '=', value: 'b c' }, column: 1 },
      ],
    },
  ],
  ['not"a b"', { kind: 'not', of: contains('a b') }],
  ['note', contains('note')],
  ['x in[a]', { kind: 'property', name: 'x', test: { op: '=', value: 'a' }, column: 1 }],
  ['x is present', { kind: 'present', field: 'x', column: 1 }],
  ['ext is missing', { kind: 'not', of: { kind: 'present', field: 'ext' } }],
];

describe('a query', () => {
  for (const [text, query] of forms) {
    test(text, () => {
      assert.deepEqual(parseQuery(text), query);
      assert.deepEqual(withoutColumns(parseQuery(formatQuery(query))), withoutColumns(query));
    });
  }
});

/** Text, column, part of the message, part of the hint. */
const errors: readonly (readonly [string, number, RegExp, RegExp])[] = [
  ['', 1, /the query is empty/, /name:\*\.pdf/],
  ['   ', 4, /the query is empty/, /for example/],
  ['a and', 6, /expected something to look for/, /here: a and >>>/],
  ['a and or b', 7, /before or/, /here/],
  ['or a', 1, /before or/, /here/],
  ['(a', 1, /not closed/, /here/],
  ['a)', 2, /not opened/, /here: a >>> \)/],
  ['a ()', 4, /expected something/, /here/],
  ['heat(1995)', 5, /a \( inside a word/, /quotes/],
  ['name:a(1)', 7, /a \( inside a word/, /quotes/],
  ['a "b', 3, /quote that is not closed/, /here/],
  ['"a"b', 4, /space after the quote/, /here/],
  ['""', 1, /empty text/, /here/],
  ['*.pdf', 1, /looks like a glob/, /write name:\*\.pdf/],
  ['a -b', 3, /looks like a negation/, /write not b/],
  ['!b', 1, /looks like a negation/, /write not b/],
  ['name=*.pdf', 6, /looks like a glob/, /write name:\*\.pdf/],
  ['work/report', 1, /is in no name/, /write path:work\/report/],
  ['a lable:work', 3, /no field 'lable'/, /did you mean label\?/],
  ['title:Dune', 1, /no field 'title'/, /title=…/],
  ['size:5', 1, /size does not take :/, /it takes </],
  ['name:', 6, /expected a glob after name:/, /no space/],
  ['name: x', 6, /expected a glob after name:/, /no space/],
  ['name:a/b', 6, /no name has a slash/, /path:a\/b/],
  ['name:{a', 6, /not a glob/, /a glob is/],
  ['a name~"(b"', 8, /not a regular expression: missing closing \): `\(b`/, /RE2/],
  ['name~"(?=a)"', 6, /not a regular expression/, /no look-around/],
  ['name~a', 6, /in quotes after ~/, /name~"…"/],
  ['size~"1"', 1, /size does not take ~/, /it takes/],
  ['size>5M', 6, /expected a size/, /MB for powers of 1000/],
  ['size > ', 8, /expected a value after >/, /here/],
  ['age<30', 5, /expected a duration/, /here: age< >>> 30/],
  ['age=30d', 1, /age does not take =/, /age<30d/],
  ['accessed in [30d]', 1, /accessed does not take =/, /accessed<30d/],
  ['mtime=2024-02-30', 7, /expected a date/, /here/],
  ['mtime>yesterday', 7, /expected a date such as/, /here/],
  ['mtime>2024-01-01T24:00', 7, /expected a date/, /here/],
  ['type=vidoe', 6, /no type 'vidoe'/, /did you mean video\?/],
  ['mime=image', 6, /no media type/, /type=image/],
  ['ext=tar.gz', 5, /follows the last dot/, /name:\*\.tar\.gz/],
  ['ext>a', 1, /ext does not take >/, /it takes =/],
  ['label>a', 1, /label does not take >/, /it takes =/],
  ['a==b', 2, /no operator '=='/, /write =/],
  ['a =~ b', 3, /no operator '=~'/, /write ~/],
  ['a!~"b"', 2, /no operator '!~'/, /write not a~/],
  ['=5', 1, /expected a field before '='/, /quotes/],
  ['x is empty', 6, /expected present or missing/, /quotes/],
  ['lost in space', 9, /expected a list/, /quotes/],
  ['x in [a b]', 9, /expected , or \]/, /here/],
  ['x in [a,]', 9, /expected a value in the list/, /here/],
  ['x in []', 7, /expected a value in the list/, /here/],
  ['size in [1, 2x]', 13, /expected a size/, /here/],
  ['in the', 1, /expected a field before in/, /quotes/],
  ['replica:offsite', 1, /replicas cannot be asked for yet/, /here/],
  ['a\0b', 2, /no text has/, /here/],
  ['a\ud800b', 2, /no text has/, /here/],
  [`${'('.repeat(60)}a${')'.repeat(60)}`, 52, /at most 50 levels/, /here/],
  ['not '.repeat(60), 205, /at most 50 levels/, /here/],
  ['a '.repeat(5001), 10_001, /at most 10000 characters/, /here/],
];

describe('an error says where', () => {
  for (const [text, column, says, hint] of errors) {
    test(text.length > 40 ? `${text.slice(0, 40)}…` : text, () => {
      assert.throws(
        () => parseQuery(text),
        error => {
          assert.ok(error instanceof QueryError, String(error));
          assert.equal(error.code, 'usage');
          assert.equal(error.column, column, error.message);
          assert.match(error.says, says);
          assert.equal(error.message, `column ${column} of the query: ${error.says}`);
          assert.match(error.hint ?? '', hint);
          return true;
        },
      );
    });
  }
});

test('canonical text', () => {
  const canonical = (text: string) => formatQuery(parseQuery(text));
  assert.equal(canonical('(a   b) OR  (c)'), 'a and b or c');
  assert.equal(canonical('not x = 5'), 'x!=5');
  assert.equal(canonical('x=1 or x=2'), 'x in [1, 2]');
  assert.equal(canonical('not x in [1, 2] y=3'), 'not x in [1, 2] and y=3');
  assert.equal(canonical('size>1073741824 age<1w mtime<=2024-01'), 'size>1GiB and age<7d and mtime<=2024-01');
  assert.equal(canonical(`name~'"' and title='it"s'`), `name~'"' and title="it\\"s"`);
});

test('the properties that a query names, and where', () => {
  const query = parseQuery(
    'title=x and (lable is missing or year in [1, 2]) size>1 ext is present not title~"y"',
  );
  assert.deepEqual(fieldsOf(query), [
    { name: 'title', column: 1 },
    { name: 'lable', column: 14 },
    { name: 'year', column: 34 },
    { name: 'title', column: 76 },
  ]);
});

const fragments = [
  'and',
  'or',
  'not',
  '(',
  ')',
  '"',
  "'",
  '\\',
  'name',
  ':',
  '=',
  '!',
  '<',
  '~',
  'i',
  '*',
  '[',
  ']',
  ',',
];
const more = [
  'in',
  'is',
  'present',
  'size',
  'mtime',
  'age',
  '5MB',
  '30d',
  '2024-01',
  'label',
  'x',
  ' ',
  '  ',
  '{',
  '.',
  'é',
];

test('any text is a query or a usage error, and what is a query is written as the same query', () => {
  const pieces = fc.array(
    fc.oneof(fc.constantFrom(...fragments, ...more), fc.string({ unit: 'binary', maxLength: 3 })),
    {
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(pieces, parts => {
      let query: Query;
      try {
        query = parseQuery(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof QueryError, String(error));
        assert.ok(error.column >= 1 && error.column <= parts.join('').length + 1);
        return;
      }
      assert.deepEqual(withoutColumns(parseQuery(formatQuery(query))), withoutColumns(query));
    }),
    runs(3000),
  );
});
