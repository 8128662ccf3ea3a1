/** What a path or a glob means in the tree. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { Tree } from '../../src/tree/tree.js';
import { find, normalisePath } from '../../src/tree/walk.js';
import { putFiles, putSource, temporaryCatalog } from '../support/catalogs.js';

/** A tree with these files, each as `source/folder/name`. */
function treeWith(context: TestContext, ...paths: string[]): Tree {
  const catalog = temporaryCatalog(context);
  for (const path of paths) {
    const [name = '', ...rest] = path.split('/');
    const source = catalog.sources.find(name) ?? putSource(catalog, name);
    putFiles(catalog, source, rest.slice(0, -1).join('/'), rest.slice(-1));
  }
  return new Tree(catalog.db);
}

function found(tree: Tree, pattern: string): string[] {
  return [...find(tree, pattern)].map(each => each.path);
}

const PATHS = ['docs/a.pdf', 'docs/b.txt', 'docs/x/c.pdf', 'docs/x/y/d.pdf', 'films/e.mkv', 'docs/.hidden'];

test('slashes at the ends and in a row do not matter', () => {
  for (const path of ['/a/b', 'a/b', '//a///b/', './a/./b']) assert.equal(normalisePath(path), '/a/b');
  for (const path of ['/', '', '.', '//']) assert.equal(normalisePath(path), '/');
});

test('a path to a file is that file', t => {
  const [only, ...more] = find(treeWith(t, ...PATHS), 'docs/x/c.pdf');
  assert.deepEqual([only?.path, only?.relative, more], ['/docs/x/c.pdf', 'c.pdf', []]);
});

test('a path to a directory is everything below it, with the directory’s own name', t => {
  const files = [...find(treeWith(t, ...PATHS), '/docs/x/')];
  assert.deepEqual(
    files.map(each => [each.path, each.relative]),
    [
      ['/docs/x/c.pdf', 'x/c.pdf'],
      ['/docs/x/y/d.pdf', 'x/y/d.pdf'],
    ],
  );
});

test('the root is everything', t => {
  const tree = treeWith(t, ...PATHS);
  assert.deepEqual(found(tree, '/').sort(), PATHS.map(path => `/${path}`).sort());
});

test('a glob is matched below its fixed part', t => {
  const tree = treeWith(t, ...PATHS);
  assert.deepEqual(found(tree, '/docs/*.pdf'), ['/docs/a.pdf']);
  assert.deepEqual(found(tree, '/docs/**/*.pdf').sort(), ['/docs/a.pdf', '/docs/x/c.pdf', '/docs/x/y/d.pdf']);
  assert.deepEqual(found(tree, '/*/*.{pdf,mkv}').sort(), ['/docs/a.pdf', '/films/e.mkv']);
  assert.deepEqual(found(tree, '/docs/x/?.pdf'), ['/docs/x/c.pdf']);
  assert.deepEqual(found(tree, '/docs/[ab].*'), ['/docs/a.pdf', '/docs/b.txt']);
  assert.deepEqual(found(tree, '**/y/*'), ['/docs/x/y/d.pdf']);
  const [{ relative } = { relative: '' }] = find(tree, '/docs/x/**/d*');
  assert.equal(relative, 'y/d.pdf');
});

test('a glob matches hidden names, and names of every kind', t => {
  const names = ['.hidden', 'new\nline', '\n', '😀', '-', 'a b', '[x]', '\uefff'];
  const tree = treeWith(t, ...names.map(name => `docs/x/${name}`), ...names.map(name => `docs/${name}/y`));
  assert.equal(found(tree, '/docs/x/*').length, names.length);
  assert.equal(found(tree, '/docs/*/y').length, names.length);
  assert.equal(found(tree, '/docs/**').length, 2 * names.length);
  assert.equal(found(tree, '/docs/**/*').length, 2 * names.length);
});

test('what exists under the very name is meant before any glob', t => {
  const tree = treeWith(t, 'docs/[a]', 'docs/a', 'docs/*', 'docs/x{1,2}/b', 'docs/x1/b');
  assert.deepEqual(found(tree, '/docs/[a]'), ['/docs/[a]']);
  assert.deepEqual(found(tree, '/docs/*'), ['/docs/*']);
  assert.deepEqual(found(tree, '/docs/x{1,2}'), ['/docs/x{1,2}/b']);
});

test('a malformed glob is a usage error', t => {
  const tree = treeWith(t, ...PATHS);
  assert.throws(() => found(tree, '/docs/[z-a]'), { code: 'usage' });
});

test('what is not there is not-found', t => {
  const tree = treeWith(t, ...PATHS);
  for (const pattern of [
    '/nothing',
    '/docs/*.mp3',
    '/nothing/*',
    '/docs/a.pdf/*',
    '/docs/a.pdf/b',
    '/docs/..',
    '[',
  ]) {
    assert.throws(
      () => found(tree, pattern),
      error =>
        error instanceof FacetError && error.code === 'not-found' && /facet index ls/.test(error.hint ?? ''),
      pattern,
    );
  }
});

test('an empty directory is nothing to find, and no error', t => {
  const catalog = temporaryCatalog(t);
  putFiles(catalog, putSource(catalog), 'empty', []);
  assert.deepEqual(found(new Tree(catalog.db), '/docs/empty'), []);
});
