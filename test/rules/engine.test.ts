/** Which files rules take, and where they put them: in a catalog, so that what is seen is the tree itself. */
import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { rulesOf } from '../../src/rules/document.js';
import { Tree } from '../../src/tree/tree.js';
import { attributes, FOLDER_MODE } from '../support/catalogs.js';
import { documentOf, Ruled } from '../support/ruled.js';

const DOCS = ['docs:a.pdf', 'docs:b.txt', 'docs:work/c.pdf', 'docs:work/d.txt', 'docs:work/old/e.pdf'];

/** Path → origin; of paths that say the same as the origin, only the path. */
function treeOf(context: TestContext, files: readonly string[], directories: string): Record<string, string> {
  return new Ruled(context, files).apply(directories).files();
}

/** The names in /D, in order. */
function namesIn(context: TestContext, filter: string, files: readonly string[] = DOCS): string[] {
  const tree = treeOf(context, files, `  - path: /D\n    place: flat\n${filter}`);
  return Object.keys(tree).map(path => path.replace(/^D\//, ''));
}

test('a query', t => {
  assert.deepEqual(namesIn(t, '    where: name:*.pdf'), ['a.pdf', 'c.pdf', 'e.pdf']);
  assert.deepEqual(namesIn(t, '    where: not name:*.pdf'), ['b.txt', 'd.txt']);
  assert.deepEqual(namesIn(t, '    where: name:*.pdf and not path:work/**'), ['a.pdf']);
});

test('the first step that matches decides', t => {
  const steps = (then: string, rest: string) => `
    steps:
      - {match: path:work/old/**, then: ${then}}
      - {match: path:work/**, then: include}
      - {match: name:*.pdf, then: exclude}
    default: ${rest}`;
  assert.deepEqual(namesIn(t, steps('exclude', 'include')), ['b.txt', 'c.pdf', 'd.txt']);
  assert.deepEqual(namesIn(t, steps('include', 'exclude')), ['c.pdf', 'd.txt', 'e.pdf']);
});

test('a step that asks for what is not so', t => {
  const steps = `
    steps:
      - {match: not path:work/**, then: exclude}
      - {match: not name:*.pdf, then: include}`;
  assert.deepEqual(namesIn(t, `${steps}\n    default: exclude`), ['d.txt']);
  assert.deepEqual(namesIn(t, `${steps}\n    default: include`), ['c.pdf', 'd.txt', 'e.pdf']);
});

test('what no step matches is included, unless the default says otherwise', t => {
  const step = '    steps: [{match: name:*.txt, then: exclude}]';
  assert.deepEqual(namesIn(t, step), ['a.pdf', 'c.pdf', 'e.pdf']);
  assert.deepEqual(namesIn(t, '    steps: [{match: name:*.txt, then: include}]\n    default: exclude'), [
    'b.txt',
    'd.txt',
  ]);
  assert.deepEqual(namesIn(t, '    default: exclude'), []);
});

test('steps are asked about what the query lets through, and cannot bring back more', t => {
  const filter = '    where: name:*.txt\n    steps: [{match: name:*.pdf, then: include}]';
  assert.deepEqual(namesIn(t, filter), ['b.txt', 'd.txt']);
});

test('a folder of a source, several of them, and every source', t => {
  const files = ['docs:work/a', 'docs:workshop/b', 'docs:c', 'films:work/d'];
  assert.deepEqual(treeOf(t, files, '  - {path: /, from: docs:work/}'), { a: 'docs:work/a' });
  assert.deepEqual(treeOf(t, files, '  - {path: /, from: [docs:work/, docs]}'), {
    a: 'docs:work/a',
    c: 'docs:c',
    'workshop/b': 'docs:workshop/b',
  });
  assert.deepEqual(treeOf(t, files, "  - {path: /, from: '*', where: path:work/**}"), {
    'work/a': 'docs:work/a',
    'work/d': 'films:work/d',
  });
});

const INHERITED = `
  - path: /Work
    inherit: true
    steps: [{match: name:*.pdf, then: exclude}]
    mounts: []
  - path: /Work/Below/Deep
    place: flat
    steps: [{match: name:*.pdf, then: include}]
  - path: /Workshop
    place: flat`;

test('what a directory excludes, no directory below it includes; one beside it does', t => {
  assert.deepEqual(treeOf(t, ['docs:a.pdf', 'docs:b.txt'], INHERITED), {
    'Work/Below/Deep/b.txt': 'docs:b.txt',
    'Workshop/a.pdf': 'docs:a.pdf',
    'Workshop/b.txt': 'docs:b.txt',
  });
});

test('without inherit a directory binds only itself', t => {
  const rules = INHERITED.replace('inherit: true', 'inherit: false');
  assert.deepEqual(Object.keys(treeOf(t, ['docs:a.pdf'], rules)), [
    'Work/Below/Deep/a.pdf',
    'Workshop/a.pdf',
  ]);
});

test('filters of several directories above are all asked, the root as well; origins and places are not handed down', t => {
  const rules = `
  - {path: /, inherit: true, from: films, place: flat, where: size>0}
  - {path: /A, inherit: true, where: name:*.pdf, place: "x/{fileName}"}
  - {path: /A/B, where: path:work/**}`;
  assert.deepEqual(treeOf(t, [...DOCS, 'films:f'], rules), {
    'A/B/work/c.pdf': 'docs:work/c.pdf',
    'A/B/work/old/e.pdf': 'docs:work/old/e.pdf',
    'A/x/a.pdf': 'docs:a.pdf',
    'A/x/c.pdf': 'docs:work/c.pdf',
    'A/x/e.pdf': 'docs:work/old/e.pdf',
    f: 'films:f',
  });
});

test('the filter of a directory with mounts binds each of them, and theirs only themselves', t => {
  const rules = `
  - path: /
    where: name:*.pdf
    mounts:
      - {place: "one/{fileName}", where: path:work/**}
      - {place: "two/{fileName}"}`;
  assert.deepEqual(Object.keys(treeOf(t, DOCS, rules)), [
    'one/c.pdf',
    'one/e.pdf',
    'two/a.pdf',
    'two/c.pdf',
    'two/e.pdf',
  ]);
});

const PICKED = `
  - path: /
    pick: first
    mounts:
      - {from: docs, where: title is present, place: "{title}/{year}"}
      - {from: docs, place: "rest/{fileName}"}
      - {place: "all/{fileName}"}`;

test('of several mounts the first that takes a file has it, and one that lacks a value takes none', t => {
  const ruled = new Ruled(t, ['docs:a', 'docs:b', 'docs:c', 'films:d']);
  ruled.describe('docs:a', { properties: { title: 'Dune', year: 2021 } });
  ruled.describe('docs:b', { properties: { title: 'Dune' } });
  assert.deepEqual(ruled.apply(PICKED).files(), {
    'Dune/2021': 'docs:a',
    'all/d': 'films:d',
    'rest/b': 'docs:b',
    'rest/c': 'docs:c',
  });
  ruled.describe('docs:b', { properties: { year: 1984 } });
  assert.equal(ruled.files()['Dune/1984'], 'docs:b');
  ruled.apply(PICKED.replace('pick: first', 'pick: all'));
  assert.deepEqual(new Tree(ruled.catalog.db).pathsOf(ruled.id('docs:a')).sort(), [
    '/Dune/2021',
    '/all/a',
    '/rest/a',
  ]);
});

test('otherwise takes what lacks a value, before the next mount is asked', t => {
  const ruled = new Ruled(t, ['docs:a', 'docs:b.txt']);
  const rules = PICKED.replace('{year}"', '{year}", otherwise: "{title}/unknown.{ext}"');
  for (const each of ['docs:a', 'docs:b.txt']) ruled.describe(each, { properties: { title: 'Dune' } });
  assert.deepEqual(ruled.apply(rules).files(), { 'Dune/unknown.txt': 'docs:b.txt', 'rest/a': 'docs:a' });
});

test('a file in two directories has one number, and is changed in both', t => {
  const ruled = new Ruled(t, ['docs:a']).apply(
    '  - {path: /One, from: docs}\n  - {path: /Two, place: "x {fileName}"}',
  );
  const tree = new Tree(ruled.catalog.db);
  const id = ruled.id('docs:a');
  assert.deepEqual([tree.resolve('/One/a')?.ino, tree.resolve('/Two/x a')?.ino], [id, id]);
  ruled.remove('docs:a');
  assert.deepEqual(ruled.files(), {});
  assert.deepEqual(ruled.directories(), ['One', 'Two']);
});

test('directories that rules name are there, and those between; a directory without mounts takes nothing', t => {
  const ruled = new Ruled(t, ['docs:a']).apply('  - {path: /A/B/C}\n  - {path: /D, mounts: []}');
  assert.deepEqual([ruled.files(), ruled.directories()], [{}, ['A', 'A/B', 'A/B/C', 'D']]);
  ruled.apply('  - {path: /A}');
  assert.deepEqual([ruled.files(), ruled.directories()], [{}, ['A']]);
});

test('labels that are given, and those that follow from the folder, are alike', t => {
  const ruled = new Ruled(t, ['docs:work/a', 'docs:b', 'docs:workshop/c']);
  const rules = (labels: string) => `version: 1
labels: [${labels}]
directories:
  - {path: /, where: label:work, place: flat}
  - {path: /By label, place: "{label*}/{fileName}"}`;
  ruled.apply(rules('{from: docs:work/, labels: [work, hot]}'));
  assert.deepEqual(Object.keys(ruled.files()), ['By label/hot/a', 'By label/work/a', 'a']);
  ruled.describe('docs:b', { add: ['work'] });
  assert.deepEqual(Object.keys(ruled.files()), [
    'By label/hot/a',
    'By label/work/a',
    'By label/work/b',
    'a',
    'b',
  ]);
  ruled.apply(rules(''));
  assert.deepEqual(Object.keys(ruled.files()), ['By label/work/b', 'b']);
  ruled.apply(rules('{from: docs, labels: [work]}'));
  assert.deepEqual(Object.keys(ruled.files()).length, 6);
});

const contended = (one: string, other: string) => `
  - path: /
    mounts:
      - {from: docs, place: same.txt, collide: ${one}}
      - {from: films, place: same.txt, collide: ${other}}`;

function contenders(context: TestContext): Ruled {
  const ruled = new Ruled(context);
  ruled.add('docs:old', { mtimeUs: 1_000 });
  ruled.add('films:new', { mtimeUs: 3_000 });
  ruled.add('docs:middle', { mtimeUs: 2_000 });
  return ruled;
}

test('newest: one is shown; when it goes, the next one is', t => {
  const ruled = contenders(t).apply(contended('newest', 'newest'));
  assert.deepEqual(ruled.files(), { 'same.txt': 'films:new' });
  ruled.remove('films:new');
  assert.deepEqual(ruled.files(), { 'same.txt': 'docs:middle' });
  ruled.add('films:new', { mtimeUs: 1_500 });
  assert.deepEqual(ruled.files(), { 'same.txt': 'docs:middle' });
  ruled.remove('docs:middle');
  assert.deepEqual(ruled.files(), { 'same.txt': 'films:new' });
  ruled.remove('films:new');
  assert.deepEqual(ruled.files(), { 'same.txt': 'docs:old' });
});

test('newest: of those of one time it is the one that was known first', t => {
  const ruled = new Ruled(t, ['docs:a', 'films:b']).apply(contended('newest', 'newest'));
  assert.deepEqual(ruled.files(), { 'same.txt': 'docs:a' });
});

test('suffix: all are shown, whatever their times', t => {
  const ruled = contenders(t).apply(contended('suffix', 'suffix'));
  assert.deepEqual(ruled.files(), {
    'same (docs).txt': 'docs:middle',
    'same (films).txt': 'films:new',
    'same.txt': 'docs:old',
  });
  ruled.remove('docs:old');
  assert.deepEqual(ruled.files(), { 'same (docs).txt': 'docs:middle', 'same.txt': 'films:new' });
});

test('both ways on one path: all are shown, until those that ask for it are gone', t => {
  const ruled = contenders(t).apply(contended('newest', 'suffix'));
  assert.deepEqual(Object.keys(ruled.files()), ['same (docs).txt', 'same (films).txt', 'same.txt']);
  ruled.remove('films:new');
  assert.deepEqual(ruled.files(), { 'same.txt': 'docs:middle' });
  ruled.add('films:new');
  assert.deepEqual(Object.keys(ruled.files()), ['same (docs).txt', 'same (films).txt', 'same.txt']);
});

test('a file that two mounts place at one path gives way only if both say so', t => {
  const rules = (other: string) => `
  - path: /
    mounts:
      - {place: same, collide: newest}
      - {place: same, collide: ${other}, where: name=old}`;
  const ruled = contenders(t).apply(rules('newest'));
  assert.deepEqual(ruled.files(), { same: 'films:new' });
  ruled.apply(rules('suffix'));
  assert.deepEqual(Object.keys(ruled.files()).length, 3);
});

test('a directory has its name before any file, and gives it back', t => {
  const ruled = new Ruled(t, ['docs:x', 'films:a/b']).apply(`
  - path: /
    mounts:
      - {from: docs, place: a, collide: newest}
      - {from: films}`);
  assert.deepEqual(ruled.files(), { 'a (docs)': 'docs:x', 'a/b': 'films:a/b' });
  ruled.remove('films:a/b');
  assert.deepEqual(ruled.files(), { a: 'docs:x' });
  ruled.apply('  - {path: /, from: docs, place: a}\n  - {path: /a, mounts: []}');
  assert.deepEqual([ruled.files(), ruled.directories()], [{ 'a (docs)': 'docs:x' }, ['a']]);
});

test('no rules: every source is a directory again', t => {
  const ruled = new Ruled(t, ['docs:x/a']).apply('  - {path: /All, place: flat}');
  assert.deepEqual(ruled.apply('version: 1\n').files(), { 'docs/x/a': 'docs:x/a' });
  assert.deepEqual(ruled.directories(), ['docs', 'docs/x']);
});

test('a file that new rules do not take yet is taken when it is old enough', t => {
  const now = Date.UTC(2024, 5, 15);
  mock.timers.enable({ apis: ['Date'], now });
  t.after(() => mock.timers.reset());
  const ruled = new Ruled(t);
  ruled.add('docs:a', { mtimeUs: (now - 4_000) * 1_000 });
  ruled.apply('  - {path: /Kept, where: age<1d}');
  ruled.apply('  - {path: /Kept, where: age<1d}\n  - {path: /Old, where: age>=10s}');
  assert.deepEqual(ruled.files(), { 'Kept/a': 'docs:a' });
  mock.timers.setTime(now + 5_999);
  ruled.catalog.revisit();
  assert.deepEqual(ruled.files(), { 'Kept/a': 'docs:a' });
  mock.timers.setTime(now + 6_000);
  ruled.catalog.revisit();
  assert.deepEqual(ruled.files(), { 'Kept/a': 'docs:a', 'Old/a': 'docs:a' });
});

test('a file that comes in the transaction of other rules is where these put it, and nowhere else', t => {
  const ruled = new Ruled(t, ['docs:a']);
  const text = documentOf('  - {path: /All, from: docs}');
  const rules = JSON.stringify(rulesOf(ruled.draft(text)));
  const source = ruled.catalog.sources.get('docs');
  ruled.catalog.write(writer => {
    const folder = { id: writer.putFolder(source, 'x', 0, FOLDER_MODE).id, path: 'x' };
    writer.addFile(source, folder, 'b', attributes());
    writer.putRules(text, rules);
  });
  assert.deepEqual(ruled.files(), { 'All/a': 'docs:a', 'All/x/b': 'docs:x/b' });
});
