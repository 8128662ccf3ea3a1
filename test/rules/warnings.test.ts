/** What `rules check` finds that is probably not meant, and why a file is where it is. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FileFacts } from '../../src/catalog/facts.js';
import { rulesOf } from '../../src/rules/document.js';
import { explain } from '../../src/rules/explain.js';
import { Ruleset } from '../../src/rules/ruleset.js';
import { survey } from '../../src/rules/survey.js';
import { knownProperties, warningsOf } from '../../src/rules/warnings.js';
import { claimsOf } from '../../src/tree/claims.js';
import { Tree } from '../../src/tree/tree.js';
import { documentOf, Ruled } from '../support/ruled.js';

function described(context: TestContext): Ruled {
  const ruled = new Ruled(context, ['docs:a.pdf', 'docs:b.txt', 'films:c.mkv']);
  ruled.describe('films:c.mkv', { properties: { title: 'Dune', year: 2021 } });
  return ruled;
}

/** `3:9 message`, line by line. */
function warningsFor(ruled: Ruled, text: string): string[] {
  const { db } = ruled.catalog;
  const draft = ruled.draft(documentOf(text));
  const counts = survey(db, new Ruleset(rulesOf(draft)), Date.now());
  const all = warningsOf(draft, counts, knownProperties(db));
  return all.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

test('rules that are meant are not warned of', t => {
  const rules = `
  - {path: /, where: title is present, place: "{title}/{year}", otherwise: "{title}"}
  - {path: /Docs, from: docs, steps: [{match: name:*.txt, then: exclude}]}
  - {path: /Texts, where: ext=txt}
  - {path: /Empty}`;
  assert.deepEqual(warningsFor(described(t), rules), []);
});

test('properties that no file has, at the column where they are asked for', t => {
  const ruled = described(t);
  assert.deepEqual(warningsFor(ruled, '  - path: /\n    where: year>1 and not titel=x'), [
    '3:1 2 files land nowhere',
    '4:27 no file has the property titel',
  ]);
  const draft = ruled.draft(documentOf('  - path: /\n    place: "{titel|fileName}"'));
  const counts = survey(ruled.catalog.db, new Ruleset(draft.rules), Date.now());
  const [warning] = warningsOf(draft, counts, knownProperties(ruled.catalog.db));
  assert.deepEqual([warning?.line, warning?.column, warning?.hint], [4, 14, 'did you mean title?']);
});

test('what matches no file, is shadowed, or lacks values', t => {
  assert.deepEqual(
    warningsFor(
      described(t),
      `  - path: /None
    where: name:*.jpg
  - path: /First
    pick: first
    mounts:
      - from: '*'
      - {name: late, from: docs}
  - path: /Lacking
    from: docs
    place: "{year}"`,
    ),
    [
      '3:1 /None matches no file',
      '9:1 mount late of /First is shadowed: mounts before it take all 2 files that it matches',
      '10:1 /Lacking takes no file: of 2 that it matches, each lacks a value that its template needs',
    ],
  );
});

test('steps that decide nothing', t => {
  const rules = `
  - {path: /A, steps: [{match: name:*.pdf, then: include}]}
  - {path: /B, steps: [{match: name:*.pdf, then: exclude}], default: exclude}`;
  assert.deepEqual(warningsFor(described(t), rules), [
    '4:1 every file is included, whether a step matches or not',
    '5:1 every file is excluded, whether a step matches or not',
    '5:1 /B matches no file',
  ]);
});

test('a survey counts files, and those that are nowhere', t => {
  const ruled = described(t);
  const { rules } = ruled.draft(documentOf('  - {path: /, from: films}\n  - {path: /A, from: films}'));
  const { files, nowhere, nowhereExample } = survey(ruled.catalog.db, new Ruleset(rules), Date.now());
  assert.deepEqual([files, nowhere, nowhereExample], [3, 2, 'docs:a.pdf']);
});

function explained(ruled: Ruled, origin: string, text: string) {
  const ruleset = new Ruleset(rulesOf(ruled.draft(documentOf(text))));
  const file = ruled.catalog.files.get(ruled.id(origin)) ?? assert.fail();
  return explain(ruleset, new FileFacts(ruled.catalog.db, ruleset.rules.labels).of(file), Date.now());
}

test('an explanation has every query that was asked, and what it decided', t => {
  const rules = `  - path: /Up
    inherit: true
    where: size>0
    steps:
      - {match: name:*.jpg, then: exclude}
    mounts: []
  - path: /Up/Here
    steps:
      - {match: not name:*.pdf, then: include}
    mounts:
      - name: titled
        where: title is present
        place: "{title|'none'}/{year}"
        otherwise: "{fileName}"
      - {name: docs, from: docs}`.replace(/'none'/, '\\"none\\"');
  const [up, here] = explained(described(t), 'films:c.mkv', rules);
  assert.deepEqual(up, { path: '/Up', line: 3, mounts: [] });
  assert.deepEqual([here?.path, here?.line], ['/Up/Here', 9]);
  assert.deepEqual(here?.mounts, [
    {
      name: 'titled',
      line: 13,
      verdict: 'placed',
      paths: ['/Up/Here/Dune/2021'],
      asked: [
        { line: 3, what: 'where', query: 'size>0', matches: true, decides: null },
        { line: 7, what: 'step', query: 'name:*.jpg', matches: false, decides: null },
        { line: 3, what: 'default', query: null, matches: true, decides: 'include' },
        { line: 11, what: 'step', query: 'not name:*.pdf', matches: true, decides: 'include' },
        { line: 13, what: 'where', query: 'title is present', matches: true, decides: null },
      ],
      template: '{title|"none"}/{year}',
      values: { title: 'Dune', year: '2021' },
    },
    {
      name: 'docs',
      line: 17,
      verdict: 'not from here',
      paths: [],
      asked: [],
      template: 'keep',
      values: {},
    },
  ]);
});

test('every verdict there is', t => {
  const rules = `
  - path: /
    pick: first
    mounts:
      - {from: films}
      - {where: name:*.txt}
      - {place: "{year}"}
      - {place: "{year}", otherwise: "x/{fileName}"}
      - {place: flat}`;
  const [root] = explained(described(t), 'docs:a.pdf', rules);
  assert.deepEqual(
    root?.mounts.map(({ verdict }) => verdict),
    ['not from here', 'excluded', 'missing value', 'otherwise', 'shadowed'],
  );
  const paths = root?.mounts.map(each => each.paths);
  assert.deepEqual(paths, [[], [], [], ['/x/a.pdf'], ['/a.pdf']]);
  assert.deepEqual(root?.mounts[3]?.values, { fileName: 'a.pdf' });
});

test('claims say who has the path that a file asks for', t => {
  const ruled = described(t);
  const claims = (origin: string) => claimsOf(ruled.catalog.db, new Tree(ruled.catalog.db), ruled.id(origin));
  ruled.apply('  - {path: /, place: same}\n  - {path: /N, from: docs, place: same, collide: newest}');
  assert.deepEqual(claims('docs:a.pdf'), [
    { path: '/same', wanted: '/same', holder: 'docs:a.pdf' },
    { path: '/N/same', wanted: '/N/same', holder: 'docs:a.pdf' },
  ]);
  assert.deepEqual(claims('docs:b.txt'), [
    { path: '/same (docs)', wanted: '/same', holder: 'docs:a.pdf' },
    { path: null, wanted: '/N/same', holder: 'docs:a.pdf' },
  ]);
  ruled.apply('  - {path: /, place: same}\n  - {path: /same}');
  assert.deepEqual(claims('docs:a.pdf'), [{ path: '/same (docs)', wanted: '/same', holder: 'a directory' }]);
});
