/** Damage on the disk: never served, found by `verify`, forgotten by `verify --repair`, and fetched again. */
import assert from 'node:assert/strict';
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Cache } from '../../src/cache/cache.js';
import { FacetError } from '../../src/errors.js';
import {
  assertClean,
  blobFilesIn,
  contentsOf,
  get,
  MiB,
  openCache,
  problemsOf,
  put,
  ROOM,
  readRange,
} from '../support/caches.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SMALL = 2_500_000;
const LARGE = 9_500_000;

function fileOf(folder: string): string {
  const [file = ''] = blobFilesIn(folder);
  return file;
}

/** Turns one bit. */
function damage(file: string, offset: number): void {
  const byte = readFileSync(file).subarray(offset, offset + 1);
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset);
  closeSync(fd);
}

/** A cache with one blob, and a second look at it by somebody who has not read it before. */
async function damaged(
  context: TestContext,
  size: number,
  harm: (file: string) => void,
): Promise<{ folder: string; cache: Cache }> {
  const folder = temporaryFolder(context);
  const cache = openCache(folder);
  await put(cache, 'k', size);
  harm(fileOf(folder));
  return { folder, cache: openCache(folder) };
}

for (const size of [SMALL, LARGE]) {
  test(`a damaged block of ${size} bytes is not there any more, the others are, and it can be fetched again`, async t => {
    const { cache } = await damaged(t, size, file => damage(file, MiB + 5));
    const handle = cache.lookup('k', size);
    assert.ok(handle);
    assert.deepEqual(handle.missing(0, handle.size), []);
    assert.equal(readRange(handle, 0, size), undefined);
    assert.equal(handle.missing(0, handle.size).length, 1);
    assert.equal(handle.descriptor(), undefined);
    assert.deepEqual(handle.missing(0, size), [{ start: MiB, end: 2 * MiB }]);
    const bytes = contentsOf('k', size);
    assert.deepEqual(readRange(handle, 0, MiB), bytes.subarray(0, MiB));
    assert.deepEqual(readRange(handle, 2 * MiB, size), bytes.subarray(2 * MiB));
    const writer = cache.writer('k', size);
    await writer.write(MiB, bytes.subarray(MiB, 2 * MiB));
    const whole = await writer.complete();
    writer.close();
    for (const each of [whole, handle]) assert.deepEqual(readRange(each), bytes);
    for (const each of [whole, handle]) each.close();
    assertClean(cache);
  });
}

test('a block that is damaged while its writer is still open can be written again by it', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const bytes = contentsOf('k', LARGE);
  const writer = cache.writer('k', LARGE);
  await writer.write(0, bytes);
  assert.ok(await writer.commit());
  damage(fileOf(folder), 5 * MiB);
  assert.equal(get(openCache(folder), 'k', LARGE), undefined);
  await writer.write(4.5 * MiB, bytes.subarray(4.5 * MiB, 6 * MiB));
  await writer.write(4 * MiB, bytes.subarray(4 * MiB, 5 * MiB));
  assert.deepEqual(readRange(await writer.complete()), bytes);
  assertClean(cache);
});

test('a file that was cut off is served as far as it goes', async t => {
  const { cache } = await damaged(t, LARGE, file => truncateSync(file, 3 * MiB + 10));
  assert.deepEqual(problemsOf(cache)[0], { kind: 'wrong size', found: 3 * MiB + 10 });
  const handle = cache.lookup('k', LARGE);
  assert.ok(handle);
  assert.equal(readRange(handle), undefined);
  assert.deepEqual(readRange(handle, 0, 3 * MiB), contentsOf('k', LARGE).subarray(0, 3 * MiB));
  handle.close();
  problemsOf(cache, true);
  assertClean(cache);
  await put(cache, 'k', LARGE);
  assert.deepEqual(get(cache, 'k', LARGE), contentsOf('k', LARGE));
});

test('a blob without its file is not found, and can be fetched again', async t => {
  for (const size of [SMALL, LARGE]) {
    const { cache, folder } = await damaged(t, size, file => rmSync(file));
    assert.equal(cache.lookup('k', size), undefined);
    assert.deepEqual(problemsOf(cache), [{ kind: 'missing file' }]);
    await put(cache, 'k', size);
    assert.deepEqual(get(cache, 'k', size), contentsOf('k', size));
    rmSync(fileOf(folder));
    problemsOf(cache, true);
    assertClean(cache);
    assert.equal(cache.status().bytes, 0);
  }
});

test('verify finds all damage, changes nothing, and repairs when it is told to', async t => {
  const { cache, folder } = await damaged(t, LARGE, file => {
    damage(file, 0);
    damage(file, LARGE - 1);
  });
  const found = [
    { kind: 'damaged block', block: 0 },
    { kind: 'damaged block', block: 9 },
  ];
  assert.deepEqual(problemsOf(cache), found);
  assert.deepEqual([...cache.verify()][0], { key: 'k', bytes: LARGE - MiB - (LARGE % MiB), problems: found });
  assert.deepEqual(problemsOf(cache, true), found);
  assertClean(cache);
  assert.equal(cache.lookup('k', LARGE)?.missing(0, LARGE).length, 2);
  assert.ok(statSync(fileOf(folder)).blocks * 512 <= 8 * MiB, 'its room is given back');
});

test('data that the block map does not know of is found, and given back', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const writer = cache.writer('k', 20 * MiB);
  await writer.write(0, contentsOf('k', MiB));
  await writer.commit();
  writer.close();
  const fd = openSync(fileOf(folder), 'r+');
  writeSync(fd, contentsOf('x', 5 * MiB), 0, 5 * MiB, 10 * MiB);
  closeSync(fd);
  assert.deepEqual(problemsOf(cache), [{ kind: 'unknown data', bytes: 6 * MiB - ROOM }]);
  problemsOf(cache, true);
  assertClean(cache);
  assert.equal(statSync(fileOf(folder)).blocks * 512, MiB);
});

test('a damaged index is an error that says what to do', t => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'index.db'), 'x'.repeat(10_000));
  assert.throws(
    () => openCache(folder),
    error =>
      error instanceof FacetError &&
      error.code === 'integrity' &&
      /move the directory away/.test(error.hint ?? ''),
  );
});
