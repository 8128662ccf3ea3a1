/** A full disk under the cache: an error that says so, nothing damaged, reads go on, and so does writing once there is space. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertClean, contentsOf, get, MiB, openCache, put, readRange } from '../support/caches.js';
import { isNoSpace, leave, needsRoot, smallDisk } from '../support/small-disk.js';

for (const [size, what] of [
  [2 * MiB, 'small'],
  [6 * MiB, 'large'],
] as const) {
  test(`a disk that fills up while ${what} contents are written`, { skip: needsRoot }, async t => {
    const disk = smallDisk(t, 16);
    const folder = join(disk, 'cache');
    const cache = openCache(folder);
    await put(cache, 'before', 4 * MiB);
    cache.pin('before');
    const bytes = contentsOf('k', size);
    const writer = cache.writer('k', size);
    await writer.write(0, bytes.subarray(0, 1.25 * MiB));
    await writer.commit();
    // Somebody else takes what was set aside.
    const filler = leave(disk, 0);
    await assert.rejects(writer.write(1.25 * MiB, bytes.subarray(1.25 * MiB)), isNoSpace);
    const reading = openCache(folder, {}, 'read');
    for (const each of [cache, reading])
      assert.deepEqual(get(each, 'before', 4 * MiB), contentsOf('before', 4 * MiB));
    writer.close();
    rmSync(filler);
    await put(cache, 'k', size);
    assert.deepEqual(get(cache, 'k', size), bytes);
    assertClean(cache);
  });
}

test('on a disk that is full from the start, room is made of what is cached', {
  skip: needsRoot,
}, async t => {
  const disk = smallDisk(t, 16);
  const cache = openCache(join(disk, 'cache'), { minFree: MiB });
  await put(cache, 'a', 4 * MiB);
  await put(cache, 'b', 4 * MiB);
  leave(disk, 1.5 * MiB);
  await put(cache, 'c', 3 * MiB);
  assert.deepEqual(get(cache, 'c', 3 * MiB), contentsOf('c', 3 * MiB));
  assert.ok(cache.status().free >= MiB);
  await assert.rejects(put(cache, 'd', 12 * MiB), isNoSpace);
  assertClean(cache);
});

test('a cache cannot be made on a full disk, and can be when there is space', {
  skip: needsRoot,
}, async t => {
  const disk = smallDisk(t, 16);
  const folder = join(disk, 'cache');
  const filler = leave(disk, 0);
  assert.throws(() => openCache(folder), isNoSpace);
  rmSync(filler);
  const cache = openCache(folder);
  await put(cache, 'k', 10);
  const handle = cache.lookup('k', 10);
  assert.deepEqual(handle && readRange(handle), contentsOf('k', 10));
  assertClean(cache);
});
