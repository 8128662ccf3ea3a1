/** Queries asked of one file at a time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Clock, compilePredicate } from '../../src/query/compile.js';
import { parseQuery } from '../../src/query/parse.js';
import { statesIn, withFiles } from '../../src/query/states.js';
import { factsOf, NOW, naively, type SomeFile, someFile, someQuery } from '../support/queries.js';
import { runs } from '../support/random.js';

const DAY_MS = 86_400_000;

const film: SomeFile = {
  source: 'media',
  folder: 'films/2021',
  name: 'Dune.Part-One.MKV',
  size: 5_000_000,
  mtimeUs: Date.UTC(2024, 0, 31, 23, 59, 59, 999) * 1000 + 999,
  isLink: false,
  labels: ['work', 'sci-fi'],
  properties: { title: 'Dune', year: '2021', season: '01', rating: 8.1, tags: ['a1', 'b2', 7], none: [] },
};

function matches(text: string, given: Partial<SomeFile> = {}, accessedMs?: number): boolean {
  return compilePredicate(parseQuery(text))(factsOf({ ...film, ...given }, 1, accessedMs), {
    now: NOW,
    due: Infinity,
  });
}

const holds = [
  ['dune', 'PART', '"e.p"', 'dune part', 'x or dune', 'not x', 'not (x or y)'],
  [
    'name:*.MKV',
    'name:Dune*',
    'path:films/**',
    'path:films/',
    'path:**/*.MKV',
    'path:"films/2021/Dune.Part-One.MKV"',
  ],
  [
    'path~"20\\d\\d/"',
    'name~"^Dune"',
    'name~i"^dune.*mkv$"',
    'dir=films/2021',
    'dir:films/*',
    'stem=Dune.Part-One',
  ],
  ['size=5MB', 'size>4999999', 'size<=5MB', 'size!=5MiB', 'size in [1, 5MB]'],
  ['age>30d', 'age<1w or age>=1w', 'accessed>90d', 'not accessed<90d'],
  [
    'mtime=2024-01-31',
    'mtime=2024-01',
    'mtime=2024',
    'mtime>2023',
    'mtime<2024-02',
    'mtime<=2024-01-31',
    'mtime>=2024-01-31',
  ],
  [
    'mtime=2024-01-31T23:59:59',
    'mtime=2024-01-31T23:59:59.999',
    'mtime!=2024-02-01',
    'mtime in [2020, 2024]',
  ],
  ['mime:video/*', 'type=video', 'type in [audio, video]', 'ext=mkv', 'ext=.MKV', 'ext:m*', 'ext~"^MKV$"'],
  [
    'source=media',
    'source:m*',
    'node=here',
    'label:work',
    'label:sci-*',
    'label=work',
    'label~"^sci"',
    'label is present',
  ],
  [
    'title=Dune',
    'title!=dune',
    'year>=2010',
    'year=2021',
    'year<3000',
    'season=1',
    'rating>8',
    'rating=8.10',
    'title<Dunf',
  ],
  [
    'tags=a1',
    'tags=7',
    'tags~"^b"',
    'tags in [x, b2]',
    'title is present',
    'foo is missing',
    'none is missing',
    'foo!=x',
  ],
  ['constructor is missing', 'not constructor=x', '__proto__ is missing'],
].flat();

const fails = [
  ['x', 'not dune', 'dune x', 'name:*.mkv', 'path:*.MKV', 'path:2021/**', 'path:films', 'name~"^dune"'],
  ['size>5MB', 'size<5MB', 'age<30d', 'accessed<90d', 'not accessed>90d', 'accessed is present'],
  ['mtime>2024', 'mtime<2024', 'mtime>2024-01-31', 'mtime>=2024-02', 'mtime!=2024-01-31', 'mtime=2024-02'],
  ['type=audio', 'ext=mk', 'mime:image/*', 'source=Media', 'label:Work', 'label=sci', 'label:w'],
  ['title=dune', 'year>2021', 'year=x', 'title>5', 'foo=x', 'foo is present', 'none is present', 'tags=b'],
].flat();

describe('what holds for a film', () => {
  for (const text of holds) test(text, () => assert.equal(matches(text), true));
});

describe('what does not hold for a film', () => {
  for (const text of fails) test(text, () => assert.equal(matches(text), false));
});

test('a link is a link, whatever its name', () => {
  assert.ok(matches('type=link', { isLink: true }));
  assert.ok(!matches('type=video', { isLink: true }));
});

test('case is that of every script', () => {
  assert.ok(matches('übung', { name: 'ÜBUNG.txt' }));
  assert.ok(matches('ΟΔΟΣ', { name: 'οδοσα.txt' }));
  assert.ok(matches('straße', { name: 'STRAßE' }));
});

test('a file that was read', () => {
  assert.ok(matches('accessed<90d', {}, NOW - 89 * DAY_MS));
  assert.ok(!matches('accessed>90d', {}, NOW - 89 * DAY_MS));
  assert.ok(matches('accessed is present', {}, 0));
});

test('a file without extension or folder has neither', () => {
  const bare = { name: '.profile', folder: '' };
  for (const text of ['ext is missing', 'not ext=profile', 'dir is missing', 'dir!=x', 'stem=.profile'])
    assert.ok(matches(text, bare), text);
});

test('the slow evaluator agrees', () => {
  fc.assert(
    fc.property(
      someQuery,
      someFile,
      fc.option(fc.constantFrom(NOW, NOW - DAY_MS), { nil: undefined }),
      fc.subarray([1, 2]),
      (asked, file, at, ids) => {
        const query = withFiles(asked, () => new Set(ids));
        const facts = factsOf(file, 1, at);
        assert.equal(compilePredicate(query)(facts, { now: NOW, due: Infinity }), naively(query, facts));
      },
    ),
    runs(5000),
  );
});

function answerAt(text: string, now: number): { answer: boolean; due: number } {
  const clock: Clock = { now, due: Infinity };
  const answer = compilePredicate(parseQuery(text))(factsOf(film, 1, NOW), clock);
  return { answer, due: clock.due };
}

for (const text of [
  'age<200d',
  'age<=200d',
  'age>200d',
  'age>=200d',
  'accessed<1h',
  'accessed>=1h',
  'not accessed>1h',
]) {
  test(`${text} turns out otherwise when it is due, not a millisecond before`, () => {
    const { answer, due } = answerAt(text, NOW);
    assert.ok(due > NOW && due < Infinity);
    assert.deepEqual(answerAt(text, due - 1), { answer, due });
    assert.deepEqual(answerAt(text, due), { answer: !answer, due: Infinity });
  });
}

test('what is cached cannot be asked where nobody knows it', () => {
  assert.throws(() => compilePredicate(parseQuery('a and not cached')), {
    code: 'usage',
    message: /cached cannot be asked/,
  });
  assert.deepEqual(
    statesIn(parseQuery('pinned or (a and not cached) or "cached"')).map(({ state }) => state),
    ['pinned', 'cached'],
  );
});

test('nothing is due that was not looked at, or is over', () => {
  assert.equal(answerAt('x age<1000d', NOW).due, Infinity);
  assert.equal(answerAt('age>1d', NOW).due, Infinity);
  assert.equal(answerAt('mtime<2030', NOW).due, Infinity);
  const both = answerAt('accessed<2h accessed<1h', NOW).due;
  assert.equal(both, NOW + 3_600_000);
});

test('no answer changes before it is due', () => {
  const later = fc.integer({ min: 0, max: 100 * DAY_MS });
  fc.assert(
    fc.property(someQuery, someFile, later, (query, file, ms) => {
      const predicate = compilePredicate(withFiles(query, () => new Set()));
      const facts = factsOf(file, 1, NOW - DAY_MS);
      const clock = { now: NOW, due: Infinity };
      const answer = predicate(facts, clock);
      assert.ok(clock.due > NOW);
      for (const now of [Math.min(NOW + ms, clock.due - 1), clock.due - 1].filter(Number.isFinite))
        assert.equal(predicate(facts, { now, due: Infinity }), answer);
    }),
    runs(5000),
  );
});
