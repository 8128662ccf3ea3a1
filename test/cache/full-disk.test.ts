/** A full disk under the cache: an error that says so, nothing damaged, reads go on, and so does writing once there is space. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { assertClean, contentsOf, get, MiB, openCache, put, readRange } from '../support/caches.js';
import { isRoot } from '../support/processes.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';

const needsRoot = isRoot ? false : 'only root can make a small disk';

function smallDisk(context: TestContext): string {
  const folder = makeFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'facet-test', folder]);
  context.after(() => {
    execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  });
  return folder;
}

/** Takes all the space that is left but `bytes`. */
function leave(disk: string, bytes: number): string {
  const { bavail, bsize } = statfsSync(disk);
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(Math.max(bavail * bsize - bytes, 0)));
  return filler;
}

function isNoSpace(error: unknown): boolean {
  assert.ok(error instanceof FacetError, String(error));
  assert.equal(error.code, 'no-space', error.message);
  assert.match(error.hint ?? '', /free some space/);
  return true;
}

for (const [size, what] of [
  [2 * MiB, 'small'],
  [6 * MiB, 'large'],
] as const) {
  test(`a disk that fills up while ${what} contents are written`, { skip: needsRoot }, t => {
    const disk = smallDisk(t);
    const folder = join(disk, 'cache');
    const cache = openCache(folder);
    put(cache, 'before', 4 * MiB);
    cache.pin('before');
    const bytes = contentsOf('k', size);
    const writer = cache.writer('k', size);
    writer.write(0, bytes.subarray(0, 1.25 * MiB));
    writer.commit();
    // Somebody else takes what was set aside.
    const filler = leave(disk, 0);
    assert.throws(() => writer.write(1.25 * MiB, bytes.subarray(1.25 * MiB)), isNoSpace);
    const reading = openCache(folder, {}, 'read');
    for (const each of [cache, reading])
      assert.deepEqual(get(each, 'before', 4 * MiB), contentsOf('before', 4 * MiB));
    writer.close();
    rmSync(filler);
    put(cache, 'k', size);
    assert.deepEqual(get(cache, 'k', size), bytes);
    assertClean(cache);
  });
}

test('on a disk that is full from the start, room is made of what is cached', { skip: needsRoot }, t => {
  const disk = smallDisk(t);
  const cache = openCache(join(disk, 'cache'), { minFree: MiB });
  put(cache, 'a', 4 * MiB);
  put(cache, 'b', 4 * MiB);
  leave(disk, 1.5 * MiB);
  put(cache, 'c', 3 * MiB);
  assert.deepEqual(get(cache, 'c', 3 * MiB), contentsOf('c', 3 * MiB));
  assert.ok(cache.status().free >= MiB);
  assert.throws(() => put(cache, 'd', 12 * MiB), isNoSpace);
  assertClean(cache);
});

test('a cache cannot be made on a full disk, and can be when there is space', { skip: needsRoot }, t => {
  const disk = smallDisk(t);
  const folder = join(disk, 'cache');
  const filler = leave(disk, 0);
  assert.throws(() => openCache(folder), isNoSpace);
  rmSync(filler);
  const cache = openCache(folder);
  put(cache, 'k', 10);
  const handle = cache.lookup('k', 10);
  assert.deepEqual(handle && readRange(handle), contentsOf('k', 10));
  assertClean(cache);
});
