/** The tree is what is there, not how it came to be there. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { addSource } from '../../src/indexing/add-source.js';
import { scan } from '../../src/indexing/scan.js';
import { everything, openCatalog } from '../support/catalogs.js';
import { temporaryFolder, writeFiles } from '../support/temporary-folder.js';
import { assertSound, readTree } from '../support/tree-contents.js';

const PATHS = ['a', 'z', 'x/b', 'x/y/c', 'x.txt/d', 'x (docs)', 'é', '😀', 'w/w/w/w'];

interface Named {
  name: string;
  root: string;
}

/** Scans sources into a new catalog, in this order, and returns the tree without its numbers. */
async function treeOf(context: TestContext, sources: readonly Named[]): Promise<unknown> {
  const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'));
  for (const { name, root } of sources) addSource(catalog, name, root, everything);
  for (const { name } of sources) await scan(catalog, catalog.sources.get(name));
  assertSound(catalog.db);
  const tree = [...readTree(catalog.db)].map(([path, { ino: _, ...node }]) => ({ path, ...node }));
  catalog.close();
  return tree;
}

/** A folder with these files, made in this order, all of the same time. */
function folderOf(context: TestContext, paths: readonly string[]): string {
  const root = temporaryFolder(context);
  for (const path of paths) {
    writeFiles(root, path);
    utimesSync(join(root, path), 1, 1);
  }
  symlinkSync('a', join(root, 'link'));
  return root;
}

function withoutTimes(tree: unknown): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (key === 'mtimeUs' ? undefined : value)));
}

test('files that were made in another order give the same tree', async t => {
  const trees: unknown[] = [];
  for (const paths of [PATHS, PATHS.toReversed()]) {
    trees.push(withoutTimes(await treeOf(t, [{ name: 'docs', root: folderOf(t, paths) }])));
  }
  assert.deepEqual(trees[0], trees[1]);
});

test('sources that were added and scanned in another order give the same tree', async t => {
  const sources = ['one', 'two', 'three'].map(name => ({ name, root: folderOf(t, [...PATHS, name]) }));
  const tree = withoutTimes(await treeOf(t, sources));
  assert.deepEqual(withoutTimes(await treeOf(t, sources.toReversed())), tree);
});

test('a folder that changed from scan to scan gives the tree of one that was always so', async t => {
  const root = folderOf(t, [...PATHS, 'old/a', 'old/b', 'n']);
  const catalog = openCatalog(join(temporaryFolder(t), 'catalog.db'));
  t.after(() => catalog.close());
  const source = addSource(catalog, 'docs', root, everything);
  const steps = [
    () => rmSync(join(root, 'n')),
    () => mkdirSync(join(root, 'n/m'), { recursive: true }),
    () => renameSync(join(root, 'old'), join(root, 'n/m/new')),
    () => cpSync(join(root, 'x'), join(root, 'n/x'), { recursive: true, preserveTimestamps: true }),
    () => renameSync(join(root, 'z'), join(root, 'x/y/c')),
    () => writeFiles(root, 'old'),
  ];
  for (const step of steps) {
    step();
    await scan(catalog, source);
    assertSound(catalog.db);
    const tree = [...readTree(catalog.db)].map(([path, { ino: _, ...node }]) => ({ path, ...node }));
    assert.deepEqual(tree, await treeOf(t, [{ name: 'docs', root }]));
  }
});
