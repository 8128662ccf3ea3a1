/** What a scan writes to the catalog, and what it leaves alone. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ScanProgress, ScanResult } from '../../src/indexing/scanning.js';
import { Tree } from '../../src/tree/tree.js';
import { changesOf, contentsOf } from '../support/catalogs.js';
import { assertTreeIsDisk, scannedFolder } from '../support/scanned.js';
import { writeFile, writeFiles } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

function counts({ added, modified, renamed, deleted, unchanged }: ScanResult) {
  return { added, modified, renamed, deleted, unchanged };
}

const NONE = { added: 0, modified: 0, renamed: 0, deleted: 0, unchanged: 0 };

test('the first scan adds everything', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b', 'x/y/c');
  mkdirSync(join(place.root, 'empty'));
  symlinkSync('a', join(place.root, 'link'));
  const result = await place.scan();
  assert.deepEqual(counts(result), { ...NONE, added: 4 });
  assert.deepEqual([result.source, result.files, result.folders], ['docs', 4, 4]);
  assert.equal(result.bytes, 'a'.length + 'x/b'.length + 'x/y/c'.length + 'a'.length);
  assert.deepEqual(result.unreadable, []);
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  assert.deepEqual(
    changesOf(place.catalog).map(change => change.kind),
    ['added', 'added', 'added', 'added'],
  );
});

test('a second scan of an unchanged folder writes nothing', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b', 'x/y/c', 'z/d');
  mkdirSync(join(place.root, 'empty'));
  symlinkSync('x', join(place.root, 'link'));
  await place.scan();
  const before = contentsOf(place.catalog.db);
  const result = await place.scan();
  assert.deepEqual(counts(result), { ...NONE, unchanged: 5 });
  assert.deepEqual(contentsOf(place.catalog.db), before);
});

test('a second scan writes nothing in a folder of names that text and bytes put in another order', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'x/\u{1f600}', 'x/\ufb00', 'x/a', 'x/é');
  writeFileSync(Buffer.concat([Buffer.from(`${place.root}/x/`), Buffer.from([0xff])]), '');
  await place.scan();
  let transactions = 0;
  const { write } = place.catalog;
  place.catalog.write = change => {
    transactions++;
    return write.call(place.catalog, change) as ReturnType<typeof change>;
  };
  await place.scan();
  const atRest = transactions;
  writeFiles(place.root, 'x/new');
  await place.scan();
  assert.equal(transactions, 2 * atRest + 1, 'one transaction more where something changed');
});

test('a file that changed is modified, and keeps its id', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b', 'x/c');
  await place.scan();
  const before = place.ids();
  appendFileSync(join(place.root, 'x/b'), 'more');
  utimesSync(join(place.root, 'x/c'), 1, 1);
  const result = await place.scan();
  assert.deepEqual(counts(result), { ...NONE, modified: 2, unchanged: 1 });
  assert.deepEqual(place.ids(), before);
  assertTreeIsDisk(place);
});

test('other permissions are a modification', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b');
  await place.scan();
  chmodSync(join(place.root, 'a'), 0o600);
  assert.deepEqual(counts(await place.scan()), { ...NONE, modified: 1, unchanged: 1 });
  chmodSync(join(place.root, 'x'), 0o700);
  assert.deepEqual(counts(await place.scan()), { ...NONE, unchanged: 2 }, 'a folder is no file');
  assertTreeIsDisk(place);
});

test('a link that leads elsewhere is modified', async t => {
  const place = scannedFolder(t);
  symlinkSync('one', join(place.root, 'link'));
  lutimesSync(join(place.root, 'link'), 1, 1);
  await place.scan();
  const id = place.id('link');
  rmSync(join(place.root, 'link'));
  symlinkSync('two', join(place.root, 'link'));
  lutimesSync(join(place.root, 'link'), 1, 1);
  assert.deepEqual(counts(await place.scan()), { ...NONE, modified: 1 });
  assert.equal(place.catalog.files.get(id)?.target, 'two');
});

test('a file that is gone is deleted, and comes back with its id', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b');
  await place.scan();
  const id = place.id('x/b');
  rmSync(join(place.root, 'x/b'));
  assert.deepEqual(counts(await place.scan()), { ...NONE, deleted: 1, unchanged: 1 });
  assertTreeIsDisk(place);
  assert.equal(new Tree(place.catalog.db).node(id), undefined);
  writeFiles(place.root, 'x/b');
  await place.scan();
  assert.equal(place.id('x/b'), id);
  assertTreeIsDisk(place);
});

test('a folder that is gone takes its files with it, and comes back with their ids', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b', 'c', 'x/y/d', 'x/e');
  await place.scan();
  const before = place.ids();
  rmSync(join(place.root, 'x'), { recursive: true });
  assert.deepEqual(counts(await place.scan()), { ...NONE, deleted: 2, unchanged: 3 });
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  writeFiles(place.root, 'x/y/d', 'x/e');
  await place.scan();
  assert.deepEqual(place.ids(), before);
  assertTreeIsDisk(place);
});

test('a file becomes a folder, and a folder a file, in one scan', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b/c', 'b/d/e', 'keep');
  await place.scan();
  rmSync(join(place.root, 'a'));
  rmSync(join(place.root, 'b'), { recursive: true });
  writeFiles(place.root, 'a/f', 'b');
  await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  assert.deepEqual(pathsOf(place.catalog.db), ['docs/', 'docs/a/', 'docs/a/f', 'docs/b', 'docs/keep']);
});

test('a folder becomes a link, and a link a folder, in one scan', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'folder/a', 'keep');
  symlinkSync('folder', join(place.root, 'link'));
  await place.scan();
  rmSync(join(place.root, 'link'));
  renameSync(join(place.root, 'folder'), join(place.root, 'link'));
  symlinkSync('link', join(place.root, 'folder'));
  await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
});

test('a file becomes a link with its id, and back', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b');
  await place.scan();
  const id = place.id('a');
  rmSync(join(place.root, 'a'));
  symlinkSync('b', join(place.root, 'a'));
  await place.scan();
  assert.equal(place.id('a'), id);
  assertTreeIsDisk(place);
  rmSync(join(place.root, 'a'));
  writeFiles(place.root, 'a');
  await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
});

test('a file that becomes excluded is deleted, one that no longer is comes back', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a.o', 'a.c', 'x/b.o');
  await place.scan();
  const before = place.ids();
  writeFile(place.root, '.facetignore', '*.o');
  await place.scan();
  assert.deepEqual(pathsOf(place.catalog.db), ['docs/', 'docs/.facetignore', 'docs/a.c', 'docs/x/']);
  writeFile(place.root, '.facetignore', '');
  await place.scan();
  for (const [path, id] of before) assert.equal(place.id(path), id, path);
  assert.deepEqual(counts(await place.scan({ exclude: ['*.c', '*.o'] })).deleted, 3);
});

test('what the scan did not list is counted', async t => {
  const place = scannedFolder(t, { exclude: ['*.o'] });
  writeFiles(place.root, 'a', 'b.o', 'c.o');
  writeFileSync(Buffer.concat([Buffer.from(`${place.root}/`), Buffer.from([0x66, 0xff])]), '');
  const { skipped } = await place.scan();
  assert.deepEqual(skipped, { special: 0, excluded: 2, linksNotFollowed: 0, notUtf8: 1, oddKeys: 0 });
});

test('progress is told, and ends with what the result says', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b');
  const told: ScanProgress[] = [];
  const result = await place.scan({ hash: 'missing', onProgress: progress => told.push(progress) });
  assert.deepEqual(told.at(-1), { phase: 'hashing', files: 2, folders: 2, hashed: 2 });
  assert.deepEqual(told[0], { phase: 'listing', files: result.files, folders: result.folders, hashed: 0 });
});

test('the source knows when it was scanned', async t => {
  const place = scannedFolder(t);
  const startedAt = Date.now();
  await place.scan();
  const { lastScan = '', unavailable } = place.catalog.sources.get('docs').state;
  assert.ok(Date.parse(lastScan) >= startedAt - 1 && Date.parse(lastScan) <= Date.now() + 1);
  assert.equal(unavailable, undefined);
});

test('an empty folder is scanned, again and again', async t => {
  const place = scannedFolder(t);
  assert.deepEqual(counts(await place.scan()), NONE);
  assert.deepEqual(counts(await place.scan()), NONE);
  assert.deepEqual(pathsOf(place.catalog.db), ['docs/']);
});

test('many files and folders come out complete, whatever the size of a batch', async t => {
  const place = scannedFolder(t);
  for (let folder = 0; folder < 1_300; folder++) mkdirSync(join(place.root, `folder ${folder}`));
  for (let file = 0; file < 9_000; file++) writeFileSync(join(place.root, 'folder 7', `file ${file}`), '');
  writeFiles(place.root, 'z/last');
  const result = await place.scan();
  assert.deepEqual([result.files, result.folders], [9_001, 1_302]);
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  assert.equal((await place.scan()).unchanged, 9_001);
});
