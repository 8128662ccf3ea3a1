/** Room: its limits hold at every moment, and what is pinned or open stays. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import type { Cache } from '../../src/cache/cache.js';
import {
  assertClean,
  blobFilesIn,
  bytesOnDisk,
  contentsOf,
  get,
  keysIn,
  MiB,
  openCache,
  put,
  ROOM,
  readRange,
} from '../support/caches.js';
import { seededPicks } from '../support/random.js';
import { diskInPieces, isNoSpace, needsRoot } from '../support/small-disk.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const HOUR = 3_600_000;
const BEGINNING = 1_000 * HOUR;

function stopTime(context: TestContext): (hour: number) => void {
  mock.timers.enable({ apis: ['Date'], now: BEGINNING });
  context.after(() => mock.timers.reset());
  return hour => mock.timers.setTime(BEGINNING + hour * HOUR);
}

/** One blob of 1 MiB an hour. */
async function putHourly(cache: Cache, at: (hour: number) => void, keys: string): Promise<void> {
  for (const [hour, key] of [...keys].entries()) {
    at(hour);
    await put(cache, key, MiB);
  }
}

test('what nobody has read for the longest time goes first', async t => {
  const at = stopTime(t);
  const folder = temporaryFolder(t);
  const cache = openCache(folder, { maxSize: 4 * ROOM });
  await putHourly(cache, at, 'abcd');
  at(10);
  const others = [openCache(folder), openCache(folder, {}, 'brief')] as const;
  get(others[0], 'a', MiB);
  others[0].flush();
  at(11);
  get(others[1], 'b', MiB);
  others[1].close();
  await put(cache, 'e', MiB);
  assert.deepEqual(keysIn(cache), ['a', 'b', 'd', 'e']);
  await put(cache, 'f', 2 * MiB);
  assert.deepEqual(keysIn(cache), ['b', 'e', 'f']);
  assertClean(cache);
});

test('what is older than its time goes when room is needed, all of it', async t => {
  const at = stopTime(t);
  const cache = openCache(temporaryFolder(t), { maxSize: 4 * ROOM, maxAge: 5 * HOUR });
  await putHourly(cache, at, 'abcd');
  at(6.5);
  await put(cache, 'e', MiB);
  assert.deepEqual(keysIn(cache), ['c', 'd', 'e']);
});

test('eviction by hand: by age, by size, and everything', async t => {
  const at = stopTime(t);
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  await putHourly(cache, at, 'abcdef');
  assert.deepEqual(cache.evict({ maxAge: 3.5 * HOUR }), { blobs: 2, bytes: 2 * ROOM, kept: 0 });
  assert.deepEqual(cache.evict({ maxSize: 2.5 * ROOM }), { blobs: 2, bytes: 2 * ROOM, kept: 0 });
  assert.deepEqual(cache.evict(), { blobs: 0, bytes: 0, kept: 0 });
  assert.deepEqual(keysIn(cache), ['e', 'f']);
  await put(cache, 'empty', 0);
  assert.deepEqual(cache.clear(), { blobs: 3, bytes: 2 * ROOM, kept: 0 });
  assert.deepEqual([keysIn(cache), blobFilesIn(folder), cache.status().bytes], [[], [], 0]);
});

test('what is pinned stays, also when it was pinned before it came; what is unpinned can go', async t => {
  const at = stopTime(t);
  const cache = openCache(temporaryFolder(t), { maxSize: 4 * ROOM });
  cache.pin(['a']);
  await putHourly(cache, at, 'abc');
  cache.pin(['b', 'never fetched']);
  assert.deepEqual(cache.clear(), { blobs: 1, bytes: ROOM, kept: 2 });
  await assert.rejects(put(cache, 'd', 3 * MiB - 1), isNoSpace);
  assert.deepEqual(keysIn(cache), ['a', 'b']);
  cache.unpin(['a', 'never fetched']);
  await put(cache, 'd', 3 * MiB - 1);
  assert.deepEqual(keysIn(cache), ['b', 'd']);
});

test('what is pinned is counted as kept when it would have gone', async t => {
  const cache = openCache(temporaryFolder(t));
  for (const key of ['a', 'b', 'c', 'd']) await put(cache, key, MiB);
  cache.pin(['a', 'd']);
  assert.equal(cache.evict({ maxSize: 4 * ROOM }).kept, 0);
  assert.deepEqual(cache.evict({ maxSize: 3 * ROOM }), { blobs: 1, bytes: ROOM, kept: 1 });
  assert.deepEqual(cache.evict({ maxSize: 0 }), { blobs: 1, bytes: ROOM, kept: 2 });
});

test('the pins of all versions of a file are found, whether or not they are there', t => {
  const cache = openCache(temporaryFolder(t));
  cache.pin(['1/a\0v1', '1/a\0v2', '1/a.txt\0v1', '1/aa\0v1', '11/a\0v1']);
  assert.deepEqual(cache.pinned('1/a\0'), ['1/a\0v1', '1/a\0v2']);
  cache.unpin(['1/a\0v1']);
  assert.deepEqual(cache.pinned('1/a\0'), ['1/a\0v2']);
});

test('contents under two keys stay while one of them is pinned', async t => {
  const cache = openCache(temporaryFolder(t));
  const bytes = contentsOf('same', MiB);
  await put(cache, 'a', MiB, bytes);
  await put(cache, 'b', MiB, bytes);
  cache.pin(['a', 'b']);
  cache.unpin(['b']);
  assert.equal(cache.clear().blobs, 0);
  cache.unpin(['a']);
  assert.equal(cache.clear().blobs, 1);
});

test('what anybody has open stays, whole or not, and can go when it is closed', async t => {
  const folder = temporaryFolder(t);
  const [cache, other] = [openCache(folder, { maxSize: 8 * MiB }), openCache(folder)];
  await put(cache, 'small', MiB);
  await put(cache, 'large', 4 * MiB);
  await put(cache, 'closed', MiB);
  const handles = [other.lookup('small', MiB), cache.lookup('large', 4 * MiB)];
  await assert.rejects(put(cache, 'more', 3.5 * MiB), isNoSpace);
  assert.deepEqual(keysIn(cache), ['large', 'small']);
  cache.pin(['small']);
  for (const evicted of [cache.clear(), cache.evict({ maxAge: -1, maxSize: 0 })])
    assert.deepEqual(evicted, { blobs: 0, bytes: 0, kept: 2 });
  assert.deepEqual(cache.evictUnder('s'), { blobs: 0, bytes: 0, kept: 1 });
  cache.unpin(['small']);
  for (const handle of handles) assert.deepEqual(handle && readRange(handle)?.length, handle?.size);
  for (const handle of handles) handle?.close();
  await put(cache, 'more', 7 * MiB);
  assert.deepEqual(keysIn(cache), ['more']);
  assertClean(cache);
});

test('what is larger than the cache is refused, and nothing goes for it', async t => {
  const cache = openCache(temporaryFolder(t), { maxSize: 4 * ROOM });
  await put(cache, 'a', MiB);
  assert.throws(() => cache.writer('small', 4 * MiB + 1).reserve(0, 4 * MiB + 1), isNoSpace);
  assert.deepEqual(keysIn(cache).includes('a'), true);
});

test('room that was set aside and not used is given back', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder, { maxSize: 8 * ROOM });
  const [small, large] = [cache.writer('small', 2 * MiB), cache.writer('large', 20 * MiB)];
  large.reserve(3 * MiB, 8 * MiB);
  await large.write(3 * MiB, contentsOf('x', 1.5 * MiB));
  await large.commit();
  assert.equal(cache.status().bytes, 7 * ROOM);
  assert.throws(() => large.reserve(9 * MiB, 11 * MiB), isNoSpace);
  small.close();
  large.reserve(9 * MiB, 11 * MiB);
  large.close();
  assert.deepEqual([cache.status().bytes, bytesOnDisk(folder)], [ROOM, MiB]);
  assertClean(cache);
});

test('room of a writer stays as long as another one has the blob open, and goes with the next clean-up', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const writer = cache.writer('k', 20 * MiB);
  await writer.write(0, contentsOf('k', 0.5 * MiB));
  const handle = cache.lookup('k', 20 * MiB);
  writer.close();
  assert.equal(cache.status().bytes, ROOM);
  handle?.close();
  openCache(folder);
  assert.deepEqual([cache.status().bytes, bytesOnDisk(folder)], [0, 0]);
});

test('the disk keeps its free room', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  await put(cache, 'a', MiB);
  const { free } = cache.status();
  const strict = openCache(folder, { minFree: free + 512 * MiB });
  await assert.rejects(put(strict, 'b', MiB), isNoSpace);
  assert.deepEqual(keysIn(cache), [], 'what could go for it has gone');
});

test('contents of which not even a block has room leave nothing behind', t => {
  const folder = temporaryFolder(t);
  for (const limits of [{ maxSize: 100 }, { minFree: 2 ** 60 }]) {
    const cache = openCache(folder, limits);
    assert.throws(() => cache.writer('k', 9 * MiB), isNoSpace);
    assert.deepEqual([blobFilesIn(folder), cache.status().blobs], [[], 0]);
  }
});

test('files that belong to the cache no more are removed at the next start, others are found', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  await put(cache, 'k', 10);
  writeFileSync(join(folder, 'tmp', 'unfinished'), 'x');
  mkdirSync(join(folder, 'blobs', 'zz'));
  writeFileSync(join(folder, 'blobs', 'zz', 'zzstray'), 'x');
  const again = openCache(folder);
  assert.equal(blobFilesIn(folder).length, 2);
  const stray = { kind: 'stray file', path: join(folder, 'blobs', 'zz', 'zzstray') };
  assert.deepEqual(
    [...again.verify()].flatMap(each => each.problems),
    [stray],
  );
  assert.deepEqual(
    [...again.verify({ repair: true })].flatMap(each => each.problems),
    [stray],
  );
  assertClean(cache);
});

test('the size holds at every moment while ten times as much is written by two at once', async t => {
  await writeTenfold(temporaryFolder(t));
});

test('it does where the file system cannot keep files in one piece', { skip: needsRoot }, async t => {
  await writeTenfold(join(diskInPieces(t), 'cache'));
});

async function writeTenfold(folder: string): Promise<void> {
  const maxSize = 16 * MiB;
  const caches = [openCache(folder, { maxSize }), openCache(folder, { maxSize })] as const;
  const pick = seededPicks(1);
  const holds = () => {
    assert.ok(caches[0].status().bytes <= maxSize);
    assert.ok(bytesOnDisk(folder) <= maxSize, `${bytesOnDisk(folder)} bytes on the disk`);
  };
  let written = 0;
  for (let round = 0; written < 10 * maxSize; round++) {
    const writers = caches.map((cache, at) => {
      const size = 1 + pick(at === 0 ? 3 * MiB : 6 * MiB);
      return { size, key: `${round} ${at}`, writer: cache.writer(`${round} ${at}`, size), reached: 0 };
    });
    while (writers.some(({ size, reached }) => reached < size)) {
      for (const each of writers) {
        const end = Math.min(each.reached + 1 + pick(2 * MiB), each.size);
        await each.writer.write(each.reached, contentsOf(each.key, end).subarray(each.reached));
        written += end - each.reached;
        each.reached = end;
        if (pick(3) === 0) await each.writer.commit();
        holds();
      }
    }
    for (const { writer, key, size } of writers) {
      const handle = await writer.complete();
      assert.deepEqual(readRange(handle), contentsOf(key, size));
      holds();
      for (const each of [handle, writer]) each.close();
    }
  }
  assert.ok(bytesOnDisk(folder) > maxSize / 2, 'the room is used');
  assertClean(caches[0]);
}
