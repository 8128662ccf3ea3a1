/** A file that was renamed or moved inside its source keeps its id, and all that hangs on it. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SourceOptions } from '../../src/catalog/sources.js';
import type { Crawl } from '../../src/indexing/scanning.js';
import { Crawler } from '../../src/sources/crawl.js';
import { changesOf, labelsOf } from '../support/catalogs.js';
import { assertTreeIsDisk, type Scanned, scannedFolder } from '../support/scanned.js';
import { temporaryFolder, writeFile, writeFiles } from '../support/temporary-folder.js';
import { assertSound } from '../support/tree-contents.js';

/** A scanned folder with these files. */
async function scannedWith(
  context: TestContext,
  paths: string[],
  options?: Partial<SourceOptions>,
): Promise<Scanned> {
  const place = scannedFolder(context, options);
  writeFiles(place.root, ...paths);
  await place.scan();
  return place;
}

/** Moves things in the source, as mv(1) does. */
function move({ root }: Scanned, from: string, to: string): void {
  renameSync(join(root, from), join(root, to));
}

/**
 * After one scan, the catalog is the disk, and each file of `after` has the id that the file of `before` had. Another scan
 * finds nothing to do.
 */
async function assertKept(
  place: Scanned,
  before: Map<string, number>,
  kept: Record<string, string>,
): Promise<void> {
  const logged = place.catalog.log.lastSeq();
  const result = await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  const after = place.ids();
  for (const [path, from] of Object.entries(kept))
    assert.equal(after.get(path), before.get(from), `${path} was ${from}`);
  const moved = Object.entries(kept).filter(([path, from]) => path !== from);
  assert.equal(result.renamed, moved.length);
  for (const [path, from] of moved) {
    const changes = changesOf(place.catalog, logged).filter(change => change.fileId === before.get(from));
    assert.deepEqual(
      changes,
      [{ fileId: before.get(from), kind: 'renamed', detail: { from } }],
      `one change of ${path}`,
    );
  }
  const again = await place.scan();
  assert.equal(again.unchanged, again.files);
}

/** Ids that the catalog did not have before. */
function assertNew(place: Scanned, before: Map<string, number>, ...paths: string[]): void {
  const old = new Set(before.values());
  for (const path of paths) assert.ok(!old.has(place.id(path)), `${path} has the id of another file`);
}

test('a file renamed in its folder', async t => {
  const place = await scannedWith(t, ['a', 'b']);
  const before = place.ids();
  move(place, 'a', 'c');
  await assertKept(place, before, { c: 'a', b: 'b' });
});

for (const [from, to] of [
  ['x/a', 'y/b'],
  ['y/b', 'x/a'],
] as const) {
  test(`a file moved from ${from} to ${to}`, async t => {
    const place = await scannedWith(t, [from, 'x/other', 'y/other']);
    const before = place.ids();
    move(place, from, to);
    await assertKept(place, before, { [to]: from, 'x/other': 'x/other', 'y/other': 'y/other' });
  });
}

test('a file moved into a new folder', async t => {
  const place = await scannedWith(t, ['m', 'keep']);
  const before = place.ids();
  for (const folder of ['a/b', 'z/y']) mkdirSync(join(place.root, folder), { recursive: true });
  move(place, 'm', 'a/b/m');
  await assertKept(place, before, { 'a/b/m': 'm', keep: 'keep' });
});

test('a whole folder moved', async t => {
  const place = await scannedWith(t, ['x/a', 'x/b', 'x/below/c', 'keep']);
  const before = place.ids();
  mkdirSync(join(place.root, 'w'));
  move(place, 'x', 'w/renamed');
  await assertKept(place, before, {
    'w/renamed/a': 'x/a',
    'w/renamed/b': 'x/b',
    'w/renamed/below/c': 'x/below/c',
    keep: 'keep',
  });
});

test('a whole folder moved, and a file put in its place', async t => {
  const place = await scannedWith(t, ['x/a', 'x/below/b', 'keep']);
  const before = place.ids();
  move(place, 'x', 'y');
  writeFiles(place.root, 'x');
  await assertKept(place, before, { 'y/a': 'x/a', 'y/below/b': 'x/below/b', keep: 'keep' });
});

test('two folders that changed names', async t => {
  const place = await scannedWith(t, ['x/a', 'x/same', 'y/b', 'y/same']);
  const before = place.ids();
  move(place, 'x', 'z');
  move(place, 'y', 'x');
  move(place, 'z', 'y');
  await assertKept(place, before, { 'y/a': 'x/a', 'y/same': 'x/same', 'x/b': 'y/b', 'x/same': 'y/same' });
});

for (const [from, to] of [
  ['a', 'b'],
  ['b', 'a'],
  ['x/f', 'y/f'],
  ['y/f', 'x/f'],
] as const) {
  test(`a file renamed from ${from} to ${to}, and another one under its old name`, async t => {
    const place = await scannedWith(t, [from, 'x/other', 'y/other']);
    const before = place.ids();
    move(place, from, to);
    writeFile(place.root, from, 'another, and longer');
    await place.scan();
    assertTreeIsDisk(place);
    assertSound(place.catalog.db);
    assert.equal(place.id(to), before.get(from));
    assertNew(place, before, from);
  });

  test(`a file moved from ${from} over ${to}`, async t => {
    const place = await scannedWith(t, [from, 'x/other', 'y/other']);
    writeFile(place.root, to, 'this one is lost');
    await place.scan();
    const before = place.ids();
    move(place, from, to);
    const result = await place.scan();
    assertTreeIsDisk(place);
    assertSound(place.catalog.db);
    assert.equal(place.id(to), before.get(from));
    assert.deepEqual([result.renamed, result.deleted], [1, 1]);
    assert.ok(place.catalog.files.get(before.get(to) ?? 0)?.deletedAt, 'the lost one is deleted');
  });
}

test('two files that changed names', async t => {
  for (const [one, other] of [
    ['a', 'b'],
    ['x/f', 'y/f'],
  ] as const) {
    const place = await scannedWith(t, [one, 'x/other', 'y/other']);
    writeFile(place.root, other, 'of another size');
    await place.scan();
    const before = place.ids();
    move(place, one, 'aside');
    move(place, other, one);
    move(place, 'aside', other);
    await place.scan();
    assertTreeIsDisk(place);
    assertSound(place.catalog.db);
    assert.deepEqual([place.id(one), place.id(other)], [before.get(other), before.get(one)]);
  }
});

test('two files of the same size and time that changed names', async t => {
  const place = await scannedWith(t, ['a', 'b']);
  for (const name of ['a', 'b']) utimesSync(join(place.root, name), 5, 5);
  await place.scan();
  const before = place.ids();
  move(place, 'a', 'c');
  move(place, 'b', 'a');
  move(place, 'c', 'b');
  await assertKept(place, before, { a: 'b', b: 'a' });
});

test('files handed round: logs that are rotated', async t => {
  const place = scannedFolder(t);
  for (const [at, name] of ['log', 'log.1', 'log.2'].entries())
    writeFile(place.root, name, 'x'.repeat(at + 1));
  await place.scan();
  const before = place.ids();
  rmSync(join(place.root, 'log.2'));
  move(place, 'log.1', 'log.2');
  move(place, 'log', 'log.1');
  writeFile(place.root, 'log', 'the new one');
  await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  assert.deepEqual([place.id('log.1'), place.id('log.2')], [before.get('log'), before.get('log.1')]);
  assertNew(place, before, 'log');
});

test('three files in a circle, across folders', async t => {
  const place = scannedFolder(t);
  for (const [at, name] of ['x/f', 'y/f', 'z/f'].entries()) writeFile(place.root, name, 'x'.repeat(at + 1));
  await place.scan();
  const before = place.ids();
  move(place, 'x/f', 'aside');
  move(place, 'z/f', 'x/f');
  move(place, 'y/f', 'z/f');
  move(place, 'aside', 'y/f');
  await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  const after = place.ids();
  assert.deepEqual(
    ['x/f', 'y/f', 'z/f'].map(path => after.get(path)),
    ['z/f', 'x/f', 'y/f'].map(path => before.get(path)),
  );
});

test('a file that was saved by writing another and renaming it is the same file, modified', async t => {
  const place = await scannedWith(t, ['a', 'b']);
  const before = place.ids();
  writeFile(place.root, 'a.tmp', 'the new contents');
  move(place, 'a.tmp', 'a');
  const result = await place.scan();
  assert.deepEqual([result.modified, result.added, result.renamed], [1, 0, 0]);
  assert.deepEqual(place.ids(), before);
  assertTreeIsDisk(place);
});

for (const ending of ['~', '.bak', '.~1~']) {
  test(`a file that was saved and what it was kept with ${ending} at its end is the same file, again and again`, async t => {
    const place = scannedFolder(t);
    writeFiles(place.root, 'x/a', 'b');
    await place.scan();
    const id = place.id('x/a');
    const path = join(place.root, 'x/a');
    for (const expected of [
      [1, 1],
      [0, 2],
    ]) {
      renameSync(path, `${path}${ending}`);
      writeFileSync(path, `saved after ${expected}`);
      const { added, modified, renamed } = await place.scan();
      assert.deepEqual([added, modified, renamed], [...expected, 0]);
      assert.equal(place.id('x/a'), id);
      assertTreeIsDisk(place);
    }
    rmSync(path);
    renameSync(`${path}${ending}`, path);
    await place.scan();
    assertTreeIsDisk(place);
    assertSound(place.catalog.db);
  });
}

for (const draft of ['x/draft', 'b']) {
  test(`a file that was put aside for ${draft} is under its new name`, async t => {
    const place = scannedFolder(t);
    writeFiles(place.root, 'x/a', draft);
    await place.scan();
    const before = place.ids();
    renameSync(join(place.root, 'x/a'), join(place.root, 'x/a.bak'));
    renameSync(join(place.root, draft), join(place.root, 'x/a'));
    await place.scan();
    assert.equal(place.id('x/a.bak'), before.get('x/a'));
    assert.equal(place.id('x/a'), before.get(draft));
    assertSound(place.catalog.db);
  });
}

test('other permissions do not keep a file from being recognised', async t => {
  const place = await scannedWith(t, ['a', 'b']);
  const before = place.ids();
  move(place, 'a', 'c');
  chmodSync(join(place.root, 'c'), 0o600);
  await assertKept(place, before, { c: 'a', b: 'b' });
});

test('a file that was renamed and changed is another file', async t => {
  const place = await scannedWith(t, ['a', 'b']);
  const before = place.ids();
  move(place, 'a', 'c');
  appendFileSync(join(place.root, 'c'), 'more');
  await place.scan();
  assertNew(place, before, 'c');
  assertTreeIsDisk(place);
});

test('a checksum is still that of the file after it was renamed', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b');
  await place.scan({ hash: 'missing' });
  const { sha256 } = place.catalog.files.get(place.id('a')) ?? {};
  move(place, 'a', 'c');
  await place.scan();
  assert.deepEqual(place.catalog.files.get(place.id('c'))?.sha256, sha256);
});

test('a file that is moved out of the source comes back as what it was, whatever its name is then', async t => {
  const place = await scannedWith(t, ['a/leaves', 'stays']);
  const id = place.id('a/leaves');
  place.catalog.write(writer => writer.describeFile({ id }, { add: ['kept'] }));
  const outside = join(temporaryFolder(t), 'outside');
  renameSync(join(place.root, 'a/leaves'), outside);
  assert.equal((await place.scan()).deleted, 1);
  renameSync(outside, join(place.root, 'comes back'));
  assert.equal((await place.scan()).renamed, 1);
  assert.equal(place.id('comes back'), id);
  assert.deepEqual(labelsOf(place.catalog, id), ['kept']);
  assertTreeIsDisk(place);
});

/** Lists everything, and lets something happen before the listing is compared with the catalog. */
function outdated(happens: () => void): Crawl {
  return async function* (options) {
    const crawler = new Crawler(options);
    const listings = [...crawler.folders()];
    happens();
    yield listings;
    return crawler;
  };
}

for (const to of ['b/new name', 'b/other']) {
  test(`a file that was listed as ${to} and has gone back since is the file that it was`, async t => {
    const place = await scannedWith(t, ['a/one', 'b/other']);
    const before = place.ids();
    move(place, 'b/other', 'aside');
    move(place, 'a/one', to);
    const back = () => {
      move(place, to, 'a/one');
      move(place, 'aside', 'b/other');
    };
    await place.scan({ crawl: outdated(back) });
    assert.equal(place.id('a/one'), before.get('a/one'));
    await place.scan();
    assert.deepEqual(place.ids(), before);
    assertTreeIsDisk(place);
  });
}

test('hard links are two files', async t => {
  const place = await scannedWith(t, ['m']);
  for (const name of ['a', 'z', 'x']) linkSync(join(place.root, 'm'), join(place.root, name));
  const result = await place.scan();
  assert.deepEqual([result.added, result.renamed, result.unchanged], [3, 0, 1]);
  assert.equal(new Set(place.ids().values()).size, 4);
  assertTreeIsDisk(place);
});

test('one of two hard links renamed', async t => {
  const place = await scannedWith(t, ['b']);
  linkSync(join(place.root, 'b'), join(place.root, 'c'));
  await place.scan();
  const before = place.ids();
  move(place, 'b', 'a');
  await assertKept(place, before, { a: 'b', c: 'c' });
  const then = place.ids();
  move(place, 'c', 'd');
  await assertKept(place, then, { a: 'a', d: 'c' });
});

test('both of two hard links renamed', async t => {
  const place = await scannedWith(t, ['b']);
  linkSync(join(place.root, 'b'), join(place.root, 'c'));
  await place.scan();
  const before = place.ids();
  move(place, 'b', 'a');
  move(place, 'c', 'd');
  await place.scan();
  assertTreeIsDisk(place);
  assert.deepEqual(new Set(place.ids().values()), new Set(before.values()));
});

test('a file whose name is not UTF-8', async t => {
  const place = await scannedWith(t, ['keep', 'x/keep']);
  const at = (...bytes: number[]) => Buffer.concat([Buffer.from(`${place.root}/`), Buffer.from(bytes)]);
  writeFileSync(at(0xff), 'odd');
  await place.scan();
  const before = place.ids();
  renameSync(at(0xff), at(0x78, 0x2f, 0xc3));
  await assertKept(place, before, { 'x/\uefc3': '\uefff', keep: 'keep' });
});

test('a renamed link keeps its id', async t => {
  const place = await scannedWith(t, ['a']);
  symlinkSync('nowhere', join(place.root, 'link'));
  await place.scan();
  const before = place.ids();
  move(place, 'link', 'renamed');
  await assertKept(place, before, { renamed: 'link', a: 'a' });
});

test('with follow, a second link to a file is a new file, and the first one stays', async t => {
  const place = await scannedWith(t, ['m'], { follow: true });
  symlinkSync('m', join(place.root, 'n'));
  await place.scan();
  const before = place.ids();
  for (const name of ['a', 'z']) symlinkSync('m', join(place.root, name));
  const result = await place.scan();
  assert.deepEqual([result.added, result.renamed, result.unchanged, result.files], [2, 0, 2, 4]);
  for (const name of ['m', 'n']) assert.equal(place.id(name), before.get(name));
});

test('a file behind a folder that is closed now has not moved', async t => {
  const place = await scannedWith(t, ['x/a', 'keep']);
  linkSync(join(place.root, 'x/a'), join(place.root, 'b'));
  mkdirSync(join(place.root, 'y'));
  writeFileSync(join(place.root, 'y', 'c'), '');
  await place.scan();
  assert.equal(new Set(place.ids().values()).size, 4);
  assertTreeIsDisk(place);
});
