/** What a scan cannot list is never taken for deleted. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FacetError, type FacetErrorCode } from '../../src/errors.js';
import type { ScanResult } from '../../src/indexing/scanning.js';
import { Volume } from '../../src/volume/volume.js';
import { runProgram } from '../support/processes.js';
import { assertTreeIsDisk, type Scanned, scannedFolder } from '../support/scanned.js';
import { needsRoot } from '../support/small-disk.js';
import { temporaryFolder, writeFiles } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

const SCANNING = new URL('./scan-process.js', import.meta.url);

function isError(code: FacetErrorCode, hint: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

function scanUnprivileged(
  context: TestContext,
  { catalog }: Scanned,
): Promise<ScanResult & { error?: string }> {
  return runProgram(context, SCANNING, [catalog.file], { unprivileged: true });
}

function numbered(folder: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${folder}/file ${at}`);
}

test('a folder that cannot be listed keeps its files, and the rest is scanned', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'closed/b', 'closed/below/c', 'open/d');
  await place.scan();
  const before = place.ids();
  chmodSync(join(place.root, 'closed'), 0);
  writeFiles(place.root, 'open/new');
  rmSync(join(place.root, 'a'));
  const result = await scanUnprivileged(t, place);
  assert.deepEqual(result.unreadable, [{ path: 'closed', reason: 'EACCES' }]);
  assert.deepEqual([result.added, result.deleted], [1, 1]);
  assertSound(place.catalog.db);
  assert.deepEqual([...place.ids().keys()].sort(), ['closed/b', 'closed/below/c', 'open/d', 'open/new']);
  chmodSync(join(place.root, 'closed'), 0o755);
  await place.scan();
  assertTreeIsDisk(place);
  for (const path of ['closed/b', 'closed/below/c']) assert.equal(place.id(path), before.get(path));
});

test('files that cannot be looked at are kept, one by one', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'x/a', 'x/b', 'c');
  await place.scan();
  const before = place.ids();
  chmodSync(join(place.root, 'x'), 0o444);
  const result = await scanUnprivileged(t, place);
  assert.deepEqual(result.unreadable.map(each => each.path).sort(), ['x/a', 'x/b']);
  assert.equal(result.deleted, 0);
  assert.deepEqual(place.ids(), before);
});

test('a folder that was deleted is not kept because its neighbour cannot be listed', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'closed/a', 'closed-too/b', 'c', 'd');
  await place.scan();
  chmodSync(join(place.root, 'closed'), 0);
  rmSync(join(place.root, 'closed-too'), { recursive: true });
  await scanUnprivileged(t, place);
  assert.deepEqual([...place.ids().keys()].sort(), ['c', 'closed/a', 'd']);
});

test('a root that cannot be listed is unreachable; its files stay, and the source says why', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b');
  await place.scan();
  const before = pathsOf(place.catalog.db);
  chmodSync(place.root, 0o300);
  assert.equal((await scanUnprivileged(t, place)).error, 'unreachable');
  assert.match(place.catalog.sources.get('docs').state.unavailable ?? '', /cannot list .*EACCES/);
  chmodSync(place.root, 0o700);
  assert.deepEqual(pathsOf(place.catalog.db), before);
});

test('a root that is gone is unreachable; its files stay until it is back', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b');
  await place.scan();
  const [before, { lastScan }] = [place.ids(), place.catalog.sources.get('docs').state];
  renameSync(place.root, `${place.root}-aside`);
  await assert.rejects(place.scan(), isError('unreachable', /mount the disk/));
  assert.deepEqual(place.ids(), before);
  const { state } = place.catalog.sources.get('docs');
  assert.match(state.unavailable ?? '', /does not exist/);
  assert.equal(state.lastScan, lastScan, 'that was the last complete one');
  renameSync(`${place.root}-aside`, place.root);
  assert.equal((await place.scan()).unchanged, 2);
  assert.equal(place.catalog.sources.get('docs').state.unavailable, undefined);
});

test('a root that became a file is unreachable', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a');
  await place.scan();
  const before = place.ids();
  rmSync(place.root, { recursive: true });
  writeFiles(place.root, '../'.concat(place.root.split('/').at(-1) ?? ''));
  await assert.rejects(place.scan(), isError('unreachable', /check the path/));
  assert.deepEqual(place.ids(), before);
});

test('a disk that goes away in the middle of a scan takes no files with it', async t => {
  const place = scannedFolder(t);
  // More folders than fit into the batches that wait between listing and writing.
  for (let at = 0; at < 17_500; at++) mkdirSync(join(place.root, `folder ${at}`));
  writeFiles(place.root, 'a', 'zzz/last');
  await place.scan();
  const before = place.ids();
  let gone = false;
  const takeAway = () => {
    if (!gone) renameSync(place.root, `${place.root}-aside`);
    if (!gone) mkdirSync(place.root);
    gone = true;
  };
  t.after(() => rmSync(`${place.root}-aside`, { recursive: true, force: true }));
  await assert.rejects(
    place.scan({ onProgress: takeAway }),
    isError('unreachable', /what the catalog knows/),
  );
  assert.ok(gone);
  assert.deepEqual(place.ids(), before);
});

for (const left of ['an empty folder', 'a folder with a file', 'nothing']) {
  test(`a disk inside a source that is unmounted and leaves ${left} takes no files with it`, {
    skip: needsRoot,
  }, async t => {
    const place = scannedFolder(t);
    const disk = join(place.root, 'in/disk');
    writeFiles(place.root, 'a', 'in/b', 'c', 'd', 'e');
    const other = temporaryFolder(t);
    mkdirSync(disk);
    writeFiles(other, 'on it', 'below/on it');
    execFileSync('mount', ['--bind', other, disk]);
    try {
      await place.scan();
    } finally {
      execFileSync('umount', [disk]);
    }
    const before = place.ids();
    if (left === 'nothing') rmdirSync(disk);
    if (left === 'a folder with a file') writeFiles(disk, 'left');
    rmSync(join(place.root, 'in/b'));
    const volume = new Volume(place.catalog.file);
    t.after(() => volume.close());
    const open = () => volume.open(volume.locate(before.get('in/disk/below/on it') ?? assert.fail()));
    assert.throws(open, isError('unreachable', /mount the disk/));
    const missing = { path: 'in/disk', reason: 'the disk that was mounted there is missing' };
    for (const deleted of [1, 0]) {
      const result = await place.scan();
      assert.deepEqual([result.unreadable, result.deleted], [[missing], deleted]);
      for (const path of ['in/disk/on it', 'in/disk/below/on it'])
        assert.equal(place.id(path), before.get(path));
    }
    const { unreadable, deleted } = await place.scan({ allowShrink: true });
    assert.deepEqual([unreadable, deleted], [[], 2]);
    assertTreeIsDisk(place);
    assertSound(place.catalog.db);
    assert.deepEqual((await place.scan()).unreadable, []);
  });
}

test('a disk whose folder was moved inside the source is not missing where it was', {
  skip: needsRoot,
}, async t => {
  const place = scannedFolder(t);
  const other = temporaryFolder(t);
  writeFiles(other, 'on it', 'below/on it');
  writeFiles(place.root, 'in/disk/hidden', 'a');
  execFileSync('mount', ['--bind', other, join(place.root, 'in/disk')]);
  try {
    await place.scan();
    const id = place.id('in/disk/on it');
    renameSync(join(place.root, 'in'), join(place.root, 'out'));
    const { unreadable, renamed } = await place.scan();
    assert.deepEqual([unreadable, renamed], [[], 2]);
    assert.equal(place.id('out/disk/on it'), id);
    assertTreeIsDisk(place);
  } finally {
    execFileSync('umount', [join(place.root, 'out/disk')]);
  }
});

test('a root that was a disk and is a folder with other files is unreachable', {
  skip: needsRoot,
}, async t => {
  const place = scannedFolder(t);
  const other = temporaryFolder(t);
  writeFiles(other, 'a', 'b', 'c');
  execFileSync('mount', ['--bind', other, place.root]);
  try {
    await place.scan();
  } finally {
    execFileSync('umount', [place.root]);
  }
  const before = place.ids();
  writeFiles(place.root, 'left behind');
  await assert.rejects(place.scan(), isError('unreachable', /--allow-shrink/));
  assert.deepEqual(place.ids(), before);
  assert.match(place.catalog.sources.get('docs').state.unavailable ?? '', /unmounted/);
  await place.scan({ allowShrink: true });
  assertTreeIsDisk(place);
});

test('an empty root is not a reason to forget its files, however few', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'x/b', 'x/c');
  await place.scan();
  const before = place.ids();
  for (const name of ['a', 'x']) rmSync(join(place.root, name), { recursive: true });
  await assert.rejects(place.scan(), isError('failed', /--allow-shrink/));
  assert.deepEqual(place.ids(), before);
  const { deleted } = await place.scan({ allowShrink: true });
  assert.equal(deleted, 3);
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
});

test('more than half of more than a hundred files are not deleted without being asked', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, ...numbered('x', 51), ...numbered('y', 50));
  await place.scan();
  const before = place.ids();
  rmSync(join(place.root, 'x'), { recursive: true });
  writeFiles(place.root, 'new');
  await assert.rejects(place.scan(), error => {
    assert.ok(isError('failed', /facet index scan docs --allow-shrink/)(error));
    assert.match(String(error), /51 of the 101 files of docs are gone; nothing was deleted/);
    return true;
  });
  for (const [path, id] of before) assert.equal(place.id(path), id);
  assert.equal((await place.scan({ allowShrink: true })).deleted, 51);
  assertTreeIsDisk(place);
});

test('half of a hundred and two files may go', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, ...numbered('x', 51), ...numbered('y', 51));
  await place.scan();
  rmSync(join(place.root, 'x'), { recursive: true });
  assert.equal((await place.scan()).deleted, 51);
  assertTreeIsDisk(place);
});

test('most of a hundred files may go', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, ...numbered('x', 99), 'y');
  await place.scan();
  rmSync(join(place.root, 'x'), { recursive: true });
  assert.equal((await place.scan()).deleted, 99);
  assertTreeIsDisk(place);
});

test('files that moved are not gone', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, ...numbered('x', 200));
  await place.scan();
  const before = place.ids();
  renameSync(join(place.root, 'x'), join(place.root, 'y'));
  assert.equal((await place.scan()).renamed, 200);
  assertTreeIsDisk(place);
  for (const path of numbered('x', 200)) assert.equal(place.id(path.replace('x', 'y')), before.get(path));
});

test('a malformed glob is a mistake of whoever wrote it, not of the source', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a');
  await place.scan();
  await assert.rejects(place.scan({ exclude: [''] }), isError('usage', /a glob is/));
  assert.equal(place.catalog.sources.get('docs').state.unavailable, undefined);
  assert.equal(place.ids().size, 1);
});
