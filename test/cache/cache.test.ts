/** What the cache keeps, finds and serves, in one process and in several `Cache` objects of it. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, fstatSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { FacetError, type FacetErrorCode } from '../../src/errors.js';
import {
  assertClean,
  blobFilesIn,
  bytesOnDisk,
  contentsOf,
  get,
  keysIn,
  MiB,
  openBelow,
  openCache,
  problemsOf,
  put,
  ROOM,
  readRange,
  sha256,
} from '../support/caches.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SMALL = 2_500_000;
const LARGE = 9_500_000;

function changeIndex(folder: string, sql: string): void {
  const db = new SqliteDatabase(join(folder, 'index.db'));
  db.exec(sql);
  db.close();
}

function is(code: FacetErrorCode): (error: unknown) => boolean {
  return error => error instanceof FacetError && error.code === code;
}

test('small contents that were put are found, by everybody, and by those who come later', async t => {
  const folder = join(temporaryFolder(t), 'cache');
  const [cache, other] = [openCache(folder), openCache(folder)];
  for (const size of [0, 1, 4096, MiB, SMALL]) await put(cache, `k${size}`, size);
  for (const each of [cache, other, openCache(folder), openCache(folder, {}, 'brief')]) {
    for (const size of [0, 1, 4096, MiB, SMALL])
      assert.deepEqual(get(each, `k${size}`, size), contentsOf(`k${size}`, size));
  }
  assert.equal(cache.lookup('k1', 2), undefined, 'another size');
  assert.equal(cache.lookup('another', 1), undefined);
  assertClean(cache);
});

test('the cache is for its user alone', async t => {
  const folder = join(temporaryFolder(t), 'a', 'cache');
  const cache = openCache(folder);
  await put(cache, 'k', 10);
  await put(cache, 'large', LARGE);
  const modes = [folder, join(folder, 'blobs'), join(folder, 'tmp')].map(each => statSync(each).mode & 0o777);
  assert.deepEqual(modes, [0o700, 0o700, 0o700]);
  for (const file of [...blobFilesIn(folder), join(folder, 'index.db')])
    assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('to read, there must be a cache, and none is made', t => {
  const folder = join(temporaryFolder(t), 'cache');
  assert.throws(() => openCache(folder, {}, 'brief'), is('not-found'));
  assert.equal(existsSync(folder), false);
});

test('pieces may come in any order and size', async t => {
  const cache = openCache(temporaryFolder(t));
  for (const size of [SMALL, LARGE]) {
    const bytes = contentsOf(`k${size}`, size);
    const writer = cache.writer(`k${size}`, size, sha256(bytes));
    for (let at = size; at > 0; ) {
      const from = Math.max(at - 777_777, 0);
      await writer.write(from, bytes.subarray(from, at));
      at = from;
    }
    const handle = await writer.complete();
    assert.deepEqual(readRange(handle), bytes);
    handle.close();
    writer.close();
  }
  assertClean(cache);
});

test('of small contents nothing is found before all of them are there', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const writer = cache.writer('k', SMALL);
  await writer.write(0, contentsOf('k', SMALL).subarray(0, MiB));
  assert.equal(await writer.commit(), false);
  assert.equal(cache.lookup('k', SMALL), undefined);
  await assert.rejects(writer.complete(), is('failed'));
  writer.close();
  assert.deepEqual([blobFilesIn(folder), cache.status().bytes], [[], 0]);
});

test('of large contents each block is found once it is committed', async t => {
  const cache = openCache(temporaryFolder(t));
  const bytes = contentsOf('k', LARGE);
  const writer = cache.writer('k', LARGE);
  await writer.write(1.5 * MiB, bytes.subarray(1.5 * MiB, 4 * MiB));
  const handle = cache.lookup('k', LARGE);
  assert.ok(handle);
  assert.equal(readRange(handle, 2 * MiB, 3 * MiB), undefined, 'written, not committed');
  assert.equal(await writer.commit(), false);
  assert.deepEqual(readRange(handle, 2 * MiB, 4 * MiB), bytes.subarray(2 * MiB, 4 * MiB));
  assert.equal(readRange(handle, 2 * MiB - 1, 3 * MiB), undefined, 'a block of which half was written');
  assert.deepEqual(handle.missing(0, LARGE), [
    { start: 0, end: 2 * MiB },
    { start: 4 * MiB, end: LARGE },
  ]);
  assert.deepEqual(handle.missing(2 * MiB + 5, 4 * MiB + 5), [{ start: 4 * MiB, end: 5 * MiB }]);
  assert.equal(handle.descriptor(), undefined);
  await writer.write(9 * MiB, bytes.subarray(9 * MiB));
  assert.equal(await writer.commit(), false);
  await assert.rejects(writer.complete(), is('failed'));
  for (const each of [handle, writer]) each.close();
  assertClean(cache);
});

test('a writer goes on where another one was cut off', async t => {
  const folder = temporaryFolder(t);
  const bytes = contentsOf('k', LARGE);
  const first = openCache(folder).writer('k', LARGE);
  await first.write(0, bytes.subarray(0, 5 * MiB));
  await first.commit();
  const second = openCache(folder).writer('k', LARGE);
  first.close();
  // What is there is left alone: these bytes are wrong.
  await second.write(0, Buffer.alloc(5 * MiB));
  await second.write(5 * MiB, bytes.subarray(5 * MiB));
  const handle = await second.complete();
  assert.deepEqual(readRange(handle), bytes);
  assert.deepEqual(handle.missing(0, handle.size), []);
});

test('several writers at once, which write while they flush', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const keys = ['a', 'b', 'c', 'd'];
  for (const size of [SMALL, LARGE]) {
    // Two contents, each under two keys, at once.
    const handles = keys.map(async (key, at) => {
      const bytes = contentsOf(`${at % 2}`, size);
      const writer = cache.writer(`${key} ${size}`, size, sha256(bytes));
      await writer.write(0, bytes.subarray(0, 2 * MiB));
      const committed = writer.commit();
      await writer.write(2 * MiB, bytes.subarray(2 * MiB));
      assert.equal(await committed, false);
      const handle = await writer.complete();
      assert.deepEqual(readRange(handle), bytes);
      writer.close();
      return handle;
    });
    for (const handle of handles) (await handle).close();
  }
  openCache(folder);
  assert.deepEqual([keysIn(cache).length, blobFilesIn(folder).length], [8, 4]);
  assertClean(cache);
});

test('a small blob whose writer is closed at any moment of completing is there or not, and leaves nothing', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const bytes = contentsOf('k', SMALL);
  const isKept: boolean[] = [];
  for (let turns = 0; !isKept.includes(true); turns++) {
    const writer = cache.writer(`k ${turns}`, SMALL);
    await writer.write(0, bytes);
    const completing = writer.complete().then(
      handle => handle,
      () => undefined,
    );
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    writer.close();
    const handle = await completing;
    isKept.push(handle !== undefined);
    if (handle) assert.deepEqual(readRange(handle), bytes);
    handle?.close();
    assert.deepEqual(keysIn(cache), handle ? [`k ${turns}`] : []);
    assert.equal(blobFilesIn(folder).length, handle ? 1 : 0);
  }
  assert.equal(isKept[0], false);
  assertClean(cache);
});

test('a whole blob has a descriptor for whoever opens it, until its file is another: then once all of it was read', async t => {
  const folder = temporaryFolder(t);
  const [size, key] = [5 * MiB + 7, 'k'];
  await put(openCache(folder), key, size);
  const others = openCache(folder).lookup(key, size) ?? assert.fail();
  assert.notEqual(others.descriptor(), undefined);
  const [file] = blobFilesIn(folder);
  chmodSync(file ?? assert.fail(), 0o640);
  const handle = openCache(folder).lookup(key, size) ?? assert.fail();
  assert.equal(others.descriptor(), undefined);
  assert.equal(handle.descriptor(), undefined);
  assert.ok(readRange(handle, 0, 4 * MiB));
  assert.equal(handle.descriptor(), undefined, 'one block was not looked at');
  assert.ok(readRange(handle)?.equals(contentsOf(key, size)));
  assert.notEqual(handle.descriptor(), undefined);
  assert.notEqual(
    openCache(folder).lookup(key, size)?.descriptor(),
    undefined,
    'others need not read it again',
  );
});

test('after another start of the machine nobody trusts a whole blob before all of it was read', async t => {
  const folder = temporaryFolder(t);
  await put(openCache(folder), 'k', LARGE);
  changeIndex(folder, "UPDATE blobs SET checked_state = 'x' || substr(checked_state, 2)");
  const handle = openCache(folder).lookup('k', LARGE) ?? assert.fail();
  assert.ok(readRange(handle, MiB));
  assert.equal(handle.descriptor(), undefined);
  assert.ok(readRange(handle, 0, MiB));
  assert.notEqual(handle.descriptor(), undefined);
});

/** Lead a cache of today back. */
const TO_VERSION_2 = `
  UPDATE blobs SET room = blobs.room - 4096 * more.blocks, pending = blobs.pending - 4096 * more.pending FROM (
    SELECT blob_id, count(*) AS blocks, sum(crc IS NULL) AS pending FROM blocks JOIN blobs b ON b.id = blob_id
    WHERE size > 10000 GROUP BY blob_id) AS more WHERE blob_id = blobs.id;
  PRAGMA user_version = 2;`;
const TO_VERSION_1 = `${TO_VERSION_2} ALTER TABLE blobs DROP COLUMN checked_state; PRAGMA user_version = 1`;

for (const access of ['brief', 'write'] as const) {
  test(`a cache of the first version is used as it is, by who opens it with ${access}`, async t => {
    const folder = temporaryFolder(t);
    await put(openCache(folder), 'k', SMALL);
    changeIndex(folder, TO_VERSION_1);
    const cache = openCache(folder, {}, access);
    const handle = cache.lookup('k', SMALL) ?? assert.fail();
    assert.equal(handle.descriptor(), undefined, 'nobody knows whether its blocks are right');
    assert.deepEqual(readRange(handle), contentsOf('k', SMALL));
    assert.notEqual(handle.descriptor(), undefined);
    assertClean(openCache(folder));
  });
}

test('the room of what an earlier version has cached is counted anew', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  await put(cache, 'small', 10_000);
  await put(cache, 'k', LARGE);
  const begun = cache.writer('begun', LARGE);
  await begun.write(0, contentsOf('begun', 2.5 * MiB));
  await begun.commit();
  const { bytes } = cache.status();
  changeIndex(folder, TO_VERSION_2);
  assert.ok(cache.status().bytes < bytes);
  assert.deepEqual(problemsOf(openCache(folder)), []);
  assert.equal(cache.status().bytes, bytes);
  begun.close();
});

test('the descriptor of a whole blob reads its bytes', async t => {
  const cache = openCache(temporaryFolder(t));
  await put(cache, 'k', LARGE);
  const handle = cache.lookup('k', LARGE);
  assert.ok(handle);
  assert.ok(handle.check(0, LARGE));
  const target = Buffer.alloc(100);
  assert.equal(readSync(handle.descriptor() ?? -1, target, 0, 100, 5_000_000), 100);
  assert.deepEqual(target, contentsOf('k', LARGE).subarray(5_000_000, 5_000_100));
});

test('reads end where the contents end', async t => {
  const cache = openCache(temporaryFolder(t));
  await put(cache, 'k', 10);
  const handle = cache.lookup('k', 10);
  const target = Buffer.alloc(30, 0xff);
  assert.equal(handle?.read(target, 5, 20, 7), 3);
  assert.deepEqual(
    target.subarray(5, 9),
    Buffer.concat([contentsOf('k', 10).subarray(7), Buffer.from([0xff])]),
  );
  assert.equal(handle?.read(target, 0, 10, 10), 0);
});

for (const [size, what] of [
  [SMALL, 'small'],
  [LARGE, 'large'],
] as const) {
  test(`${what} contents other than expected are forgotten`, async t => {
    const folder = temporaryFolder(t);
    const cache = openCache(folder);
    const bytes = contentsOf('k', size);
    const writer = cache.writer('k', size, sha256(Buffer.from('other')));
    await writer.write(0, bytes);
    await assert.rejects(writer.complete(), is('integrity'));
    writer.close();
    assert.equal(get(cache, 'k', size), undefined);
    assert.deepEqual([bytesOnDisk(folder), cache.status().bytes], [0, 0]);
    const right = cache.writer('k', size, sha256(bytes));
    await right.write(0, bytes);
    assert.deepEqual(readRange(await right.complete()), bytes);
    assertClean(cache);
  });

  test(`equal ${what} contents are kept once`, async t => {
    const folder = temporaryFolder(t);
    const cache = openCache(folder);
    const bytes = contentsOf('same', size);
    for (const key of ['a', 'b']) {
      const writer = cache.writer(key, size, sha256(bytes));
      await writer.write(0, bytes);
      (await writer.complete()).close();
      writer.close();
    }
    assert.ok(cache.adopt('c', size, sha256(bytes)));
    assert.equal(cache.adopt('d', size, sha256(Buffer.from('other'))), undefined);
    openCache(folder);
    assert.deepEqual(keysIn(cache), ['a', 'b', 'c']);
    assert.equal(blobFilesIn(folder).length, 1);
    for (const key of ['a', 'b', 'c']) assert.deepEqual(get(cache, key, size), bytes);
    assertClean(cache);
  });
}

test('a new version does not touch the old one', async t => {
  const cache = openCache(temporaryFolder(t));
  await put(cache, 'k/1', LARGE);
  const old = cache.lookup('k/1', LARGE);
  await put(cache, 'k/2', LARGE);
  assert.deepEqual(old && readRange(old), contentsOf('k/1', LARGE));
  assert.deepEqual(get(cache, 'k/2', LARGE), contentsOf('k/2', LARGE));
});

test('a key that leads to contents of another size is given new ones; who has the old ones open goes on', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  await put(cache, 'k', SMALL);
  const old = cache.lookup('k', SMALL);
  await put(cache, 'k', LARGE);
  assert.equal(cache.lookup('k', SMALL), undefined);
  assert.deepEqual(old && readRange(old), contentsOf('k', SMALL));
  old?.close();
  openCache(folder);
  assert.equal(blobFilesIn(folder).length, 1);
  assertClean(cache);
});

test('status and list say what is there', async t => {
  mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const folder = temporaryFolder(t);
  const cache = openCache(folder, { maxSize: 50_000_000, minFree: 7 });
  await put(cache, 'a', 5_000);
  cache.pin(['a', 'b']);
  const writer = cache.writer('b', LARGE);
  await writer.write(0, contentsOf('b', LARGE).subarray(0, 2 * MiB));
  await writer.commit();
  writer.close();
  get(cache, 'a', 5_000);
  get(cache, 'b', LARGE);
  const { free, ...status } = cache.status();
  assert.ok(free > 0);
  const bytes = { bytes: 8192 + 2 * ROOM, pinned: 8192 + 2 * ROOM, maxSize: 50_000_000, minFree: 7 };
  assert.deepEqual(status, { blobs: 2, ...bytes, pins: 2, hits: 1, misses: 1 });
  const common = { isPinned: true, accessedAt: 1_000_000 };
  assert.deepEqual(
    [...openCache(folder).list()],
    [
      { key: 'a', size: 5_000, room: 8192, isWhole: true, ...common },
      { key: 'b', size: LARGE, room: 2 * ROOM, isWhole: false, ...common },
    ],
  );
});

test('a long list has everything once', async t => {
  const cache = openCache(temporaryFolder(t));
  const keys = Array.from({ length: 1_200 }, (_, at) => `key ${String(at).padStart(5, '0')}`);
  for (const key of keys) await put(cache, key, 0, Buffer.alloc(0));
  assert.deepEqual(keysIn(cache), keys);
});

test('the files of closed handles are closed, and a closed handle is not to be used', async t => {
  const cache = openCache(temporaryFolder(t));
  await put(cache, 'k', 10);
  const handle = cache.lookup('k', 10);
  const fd = handle?.descriptor() ?? -1;
  fstatSync(fd);
  handle?.close();
  handle?.close();
  assert.throws(() => fstatSync(fd), /EBADF/);
  assert.throws(() => handle && readRange(handle), /after it was closed/);
});

test('the file of a writer that is closed while it commits stays open until that is done', async t => {
  const folder = temporaryFolder(t);
  const cache = openCache(folder);
  const bytes = contentsOf('k', LARGE);
  const writer = cache.writer('k', LARGE);
  await writer.write(0, bytes.subarray(0, 2 * MiB));
  const committing = writer.commit();
  writer.close();
  assert.equal(openBelow(folder).length, 1);
  await committing;
  assert.equal(openBelow(folder).length, 0);
  assert.equal(cache.presentBytes('k', LARGE), 2 * MiB);
  assert.equal(cache.status().bytes, 2 * ROOM);
});
