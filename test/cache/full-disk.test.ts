/** A full disk under the cache: an error that says so, nothing damaged, reads go on, and so does writing once there is space. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlobFiles } from '../../src/cache/blob-files.js';
import { BlobIndex } from '../../src/cache/blob-index.js';
import { IndexDatabase } from '../../src/cache/database.js';
import { Evictor } from '../../src/cache/eviction.js';
import { listOf } from '../../src/cache/listing.js';
import { statusOf } from '../../src/cache/status.js';
import {
  assertClean,
  blobFilesIn,
  contentsOf,
  get,
  keysIn,
  MiB,
  openCache,
  put,
  ROOM,
  readRange,
  roomy,
  sha256,
} from '../support/caches.js';
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
    cache.pin(['before']);
    const bytes = contentsOf('k', size);
    const writer = cache.writer('k', size);
    await writer.write(0, bytes.subarray(0, 1.25 * MiB));
    await writer.commit();
    // Somebody else takes what was set aside.
    const filler = leave(disk, 0);
    await assert.rejects(writer.write(1.25 * MiB, bytes.subarray(1.25 * MiB)), isNoSpace);
    const reading = openCache(folder, {}, 'brief');
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

for (const [size, what] of [
  [2 * MiB, 'small'],
  [6 * MiB, 'large'],
] as const) {
  test(`on a disk without a byte to spare room is made for ${what} contents`, {
    skip: needsRoot,
  }, async t => {
    const disk = smallDisk(t, 16);
    const cache = openCache(join(disk, 'cache'), { minFree: MiB });
    for (const key of ['a', 'b', 'c']) await put(cache, key, 4 * MiB);
    leave(disk, 0);
    await put(cache, 'd', size);
    assert.deepEqual(get(cache, 'd', size), contentsOf('d', size));
    assertClean(cache);
  });
}

/** A cache that nobody has open, with three files of 2 MiB, on a disk of which nothing is left. */
async function fullWith(
  context: TestContext,
  ...pinned: string[]
): Promise<{ folder: string; filler: string }> {
  const disk = smallDisk(context, 16);
  const folder = join(disk, 'cache');
  const cache = openCache(folder);
  for (const key of ['a', 'b', 'c']) await put(cache, key, 2 * MiB);
  cache.pin(pinned);
  cache.close();
  return { folder, filler: leave(disk, 0) };
}

test('what is cached on a full disk can be listed', { skip: needsRoot }, async t => {
  const { folder } = await fullWith(t);
  const cache = openCache(folder, {}, 'brief');
  assert.deepEqual(keysIn(cache), ['a', 'b', 'c']);
  assert.equal(cache.status().free, 0);
  cache.close();
  assert.equal(statusOf(folder, roomy).blobs, 3);
});

test('whoever reads the list of it slowly keeps nobody out', { skip: needsRoot }, async t => {
  const { folder } = await fullWith(t);
  const list = listOf(folder);
  assert.equal(list.next().value?.key, 'a');
  openCache(folder, {}, 'brief').close();
  assert.deepEqual(
    [...list].map(({ key }) => key),
    ['b', 'c'],
  );
});

test('evicting makes room on a full disk, and counts what went', { skip: needsRoot }, async t => {
  const { folder } = await fullWith(t, 'a');
  const cache = openCache(folder, {}, 'brief');
  assert.deepEqual(cache.evict({ maxSize: 3 * ROOM }), { blobs: 2, bytes: 4 * ROOM, kept: 1 });
  assert.deepEqual(keysIn(cache), ['a']);
  assertClean(cache);
});

test('clearing does, too', { skip: needsRoot }, async t => {
  const { folder } = await fullWith(t, 'c');
  const cache = openCache(folder, {}, 'brief');
  assert.deepEqual(cache.clear(), { blobs: 2, bytes: 4 * ROOM, kept: 1 });
  assert.ok(cache.status().free >= 3 * MiB);
  assertClean(cache);
});

test('both say so when nothing may go', { skip: needsRoot }, async t => {
  const { folder } = await fullWith(t, 'a', 'b', 'c');
  const cache = openCache(folder, {}, 'brief');
  assert.deepEqual(cache.evict({ maxSize: 0 }), { blobs: 0, bytes: 0, kept: 3 });
  assert.deepEqual(cache.clear(), { blobs: 0, bytes: 0, kept: 3 });
});

test('what is unpinned on a full disk makes the room to note it; other pins hold', {
  skip: needsRoot,
}, async t => {
  const { folder } = await fullWith(t, 'a', 'b', 'c');
  const cache = openCache(folder, {}, 'brief');
  cache.unpin(['b']);
  assert.deepEqual(cache.pinned(''), ['a', 'c']);
  assert.deepEqual(cache.clear().kept, 2);
  for (const key of ['a', 'c']) assert.deepEqual(get(cache, key, 2 * MiB), contentsOf(key, 2 * MiB));
  cache.close();
  const later = openCache(folder);
  assertClean(later);
  assert.deepEqual(keysIn(later), ['a', 'c']);
});

test('so do small contents, as many as it takes, but for those that are open', {
  skip: needsRoot,
}, async t => {
  const disk = smallDisk(t, 16);
  const folder = join(disk, 'cache');
  const cache = openCache(folder);
  const keys = Array.from({ length: 300 }, (_, nth) => `small ${String(nth).padStart(3, '0')}`);
  for (const key of keys) await put(cache, key, 5000);
  cache.pin(keys);
  const handle = cache.lookup('small 000', 5000) ?? assert.fail();
  leave(disk, 0);
  const full = openCache(folder, {}, 'brief');
  full.unpin(keys);
  assert.deepEqual(full.pinned(''), []);
  assert.ok(keysIn(full).length > 200);
  assert.deepEqual(readRange(handle), contentsOf('small 000', 5000));
  assertClean(full);
});

test('contents that another pin keeps do not go with the first', { skip: needsRoot }, async t => {
  const disk = smallDisk(t, 16);
  const folder = join(disk, 'cache');
  const cache = openCache(folder);
  await put(cache, 'a', 2 * MiB);
  cache.adopt('b', 2 * MiB, sha256(contentsOf('a', 2 * MiB)))?.close();
  cache.pin(['a', 'b']);
  cache.close();
  leave(disk, 0);
  const full = openCache(folder, {}, 'brief');
  assert.throws(() => full.unpin(['a']), isNoSpace);
  assert.deepEqual(get(full, 'b', 2 * MiB), contentsOf('a', 2 * MiB));
  full.unpin(['a', 'b']);
  assert.deepEqual(full.pinned(''), []);
});

test('who opens a cache on a full disk to write removes leftovers before anything else', {
  skip: needsRoot,
}, async t => {
  const disk = smallDisk(t, 16);
  const folder = join(disk, 'cache');
  const cache = openCache(folder);
  await put(cache, 'a', 2 * MiB);
  cache.close();
  // What a process that was killed was writing: known to the index, or not yet.
  writeFileSync(join(folder, 'tmp', 'unfinished'), contentsOf('unfinished', 3 * MiB));
  writeFileSync(join(folder, 'tmp', 'known'), contentsOf('known', 3 * MiB));
  const index = new IndexDatabase(folder, 'write');
  index.write(() => new BlobIndex(index.db).addWritten('known', 3 * MiB, 3 * ROOM));
  index.close();
  leave(disk, 0);
  const later = openCache(folder);
  assert.deepEqual(keysIn(later), ['a']);
  assert.equal(later.status().blobs, 1);
  assertClean(later);
});

test('so they do beside a process that has the cache open', { skip: needsRoot }, async t => {
  const disk = smallDisk(t, 16);
  const folder = join(disk, 'cache');
  const open = openCache(folder);
  for (let nth = 0; nth < 300; nth++) await put(open, `small ${nth}`, 5000);
  const handle = open.lookup('small 7', 5000) ?? assert.fail();
  leave(disk, 0);
  assert.equal(openCache(folder, {}, 'brief').clear().blobs, 299);
  assert.deepEqual(readRange(handle), contentsOf('small 7', 5000));
  assert.deepEqual(keysIn(open), ['small 7']);
  assert.equal(blobFilesIn(folder).length, 1);
});

test('whoever is killed while it makes room on a full disk leaves a clean cache', {
  skip: needsRoot,
}, async t => {
  const { folder, filler } = await fullWith(t, 'c');
  class Killed extends IndexDatabase {
    override checkpoint(): void {
      throw new Error('killed');
    }
  }
  const index = new Killed(folder, 'brief');
  const evictor = new Evictor(index, new BlobIndex(index.db), new BlobFiles(folder));
  assert.throws(() => evictor.remove({ bytes: 4 * ROOM }), /killed/);
  index.close();
  rmSync(filler);
  const cache = openCache(folder);
  assertClean(cache);
  assert.deepEqual(keysIn(cache), ['c']);
  assert.equal(blobFilesIn(folder).length, 1);
});

test('what somebody pins meanwhile stays on a full disk, too', { skip: needsRoot }, async t => {
  const disk = smallDisk(t, 16);
  const folder = join(disk, 'cache');
  const cache = openCache(folder);
  for (const key of ['a', 'b']) await put(cache, key, 2 * MiB);
  const index = new IndexDatabase(folder, 'write');
  let filler = leave(disk, 0);
  class PinningFiles extends BlobFiles {
    override seize(name: string) {
      rmSync(filler);
      cache.pin(['a']);
      filler = leave(disk, 0);
      return super.seize(name);
    }
  }
  const evictor = new Evictor(index, new BlobIndex(index.db), new PinningFiles(folder));
  const { blobs, kept } = evictor.remove({ bytes: 4 * ROOM });
  assert.deepEqual({ blobs, kept }, { blobs: 1, kept: 1 });
  index.close();
  assert.deepEqual(get(cache, 'a', 2 * MiB), contentsOf('a', 2 * MiB));
  assert.deepEqual(keysIn(cache), ['a']);
  assertClean(cache);
});

test('a cache on a full disk of which nothing may go cannot be written until there is space', {
  skip: needsRoot,
}, async t => {
  const { folder, filler } = await fullWith(t, 'a', 'b', 'c');
  assert.throws(() => openCache(folder), isNoSpace);
  rmSync(filler);
  const cache = openCache(folder);
  for (const key of ['a', 'b', 'c']) assert.deepEqual(get(cache, key, 2 * MiB), contentsOf(key, 2 * MiB));
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
