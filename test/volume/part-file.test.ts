/** Downloads that go straight to their destination: what an attempt leaves behind is right, and the next one goes on with it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { systemErrorCode } from '../../src/errors.js';
import { addUp } from '../../src/volume/comparison.js';
import { Downloader } from '../../src/volume/download.js';
import { PartFile } from '../../src/volume/part-file.js';
import { sha256 } from '../support/caches.js';
import { bytesAt, MemoryStore, MIB, RemoteFake, remoteFile } from '../support/remote-fake.js';
import { leave, needsRoot, smallDisk } from '../support/small-disk.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SIZE = 20 * MIB + 7;

const unstopped = new AbortController().signal;

async function openPart(context: TestContext, folder: string, size = SIZE) {
  const path = join(folder, 'part');
  const handle = await open(path, 'a+').then(made => made.close().then(() => open(path, 'r+')));
  context.after(() => handle.close());
  return { path, handle, part: await PartFile.open(handle, path, size, () => {}, unstopped) };
}

const downloads = new Downloader({ cache: new MemoryStore(), onChanged: () => {} });

function fill(source: RemoteFake, part: PartFile, signal = unstopped): Promise<void> {
  const content = { ...remoteFile(source, part.size), key: part.path };
  return downloads.fill(content, { open: () => part }, AbortSignal.any([signal, part.givenUp]));
}

/** Sends so many bytes in all, and then something happens. */
function sendsOnly(bytes: number, then: () => void): RemoteFake {
  const source: RemoteFake = new RemoteFake(() => (source.sent >= bytes ? then() : undefined));
  return source;
}

for (const size of [0, 1, MIB, MIB + 1, SIZE]) {
  test(`a file of ${size} bytes is filled, and nothing is behind it`, async t => {
    const { path, part } = await openPart(t, temporaryFolder(t), size);
    await fill(new RemoteFake(), part);
    part.finish();
    assert.deepEqual(readFileSync(path), bytesAt('film', 'v1', 0, size));
    assert.equal(part.written, size);
  });
}

test('after an error, and after being stopped, it goes on with what is there', async t => {
  const folder = temporaryFolder(t);
  const first = await openPart(t, folder);
  const broken = sendsOnly(9 * MIB, () => {
    throw new Error('the network is gone');
  });
  await assert.rejects(fill(broken, first.part), /the network is gone/);
  assert.ok(first.part.isOfUse);

  const controller = new AbortController();
  const second = await openPart(t, folder);
  const stopped = sendsOnly(7 * MIB, () => controller.abort(new Error('enough')));
  await assert.rejects(fill(stopped, second.part, controller.signal), /enough/);

  const { path, part } = await openPart(t, folder);
  const there = SIZE - part.missing(0, SIZE).reduce((sum, { start, end }) => sum + end - start, 0);
  assert.equal(there, first.part.written + second.part.written);
  const source = new RemoteFake();
  await fill(source, part);
  part.finish();
  assert.equal(source.sent, SIZE - there);
  assert.deepEqual(readFileSync(path), bytesAt('film', 'v1', 0, SIZE));
});

test('what was written and not flushed is not there for whoever comes later', async t => {
  const folder = temporaryFolder(t);
  const { part } = await openPart(t, folder);
  const block = bytesAt('film', 'v1', 0, MIB);
  for (const at of [0, 3 * MIB, 4 * MIB]) await part.write(at, block);
  await part.commit([{ start: 3 * MIB, end: 4 * MIB }]);
  assert.throws(() => part.finish(), /before it was whole/);
  const later = await openPart(t, folder);
  assert.deepEqual(later.part.missing(0, SIZE), [
    { start: 0, end: 3 * MIB },
    { start: 4 * MIB, end: SIZE },
  ]);
});

test('what the disk spoiled meanwhile is fetched again, and nothing else', async t => {
  const folder = temporaryFolder(t);
  const { path, part } = await openPart(t, folder);
  const end = SIZE % MIB;
  for (const at of [0, 3 * MIB, 4 * MIB]) await part.write(at, bytesAt('film', 'v1', at, at + MIB));
  await part.write(SIZE - end, bytesAt('film', 'v1', SIZE - end, SIZE));
  await part.commit([
    { start: 0, end: MIB },
    { start: 3 * MIB, end: 5 * MIB },
    { start: SIZE - end, end: SIZE },
  ]);
  const disk = await open(path, 'r+');
  t.after(() => disk.close());
  await disk.write(Buffer.from('spoiled'), 0, 7, 3 * MIB + 5);
  for (let times = 0; times < 2; times++) {
    const later = await openPart(t, folder);
    assert.deepEqual(later.part.missing(0, SIZE), [
      { start: MIB, end: 4 * MIB },
      { start: 5 * MIB, end: SIZE - end },
    ]);
  }
  const last = await openPart(t, folder);
  await fill(new RemoteFake(), last.part);
  last.part.finish();
  assert.deepEqual(readFileSync(path), bytesAt('film', 'v1', 0, SIZE));
});

test('whatever became of a part, of its marks and of its length, the file is right in the end', async t => {
  const size = 6 * MIB + 7;
  const whole = bytesAt('film', 'v1', 0, size);
  const offset = fc.nat(size + 7 * 4);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(6)),
      fc.array(fc.tuple(offset, fc.uint8Array({ minLength: 1, maxLength: 9 })), { maxLength: 4 }),
      fc.option(offset, { freq: 4 }),
      async (blocks, damage, length) => {
        const folder = temporaryFolder(t);
        const { path, part } = await openPart(t, folder, size);
        for (const start of blocks.map(block => block * MIB)) {
          const end = Math.min(start + MIB, size);
          await part.write(start, whole.subarray(start, end));
          await part.commit([{ start, end }]);
        }
        const contents = readFileSync(path);
        for (const [at, bytes] of damage) contents.set(bytes.subarray(0, contents.length - at), at);
        writeFileSync(path, contents.subarray(0, length ?? contents.length));
        const later = await openPart(t, folder, size);
        await fill(new RemoteFake(), later.part);
        later.part.finish();
        assert.ok(readFileSync(path).equals(whole));
      },
    ),
    { numRuns: 40 },
  );
});

test('a disk that is full ends the download, and the next one goes on with what was written', {
  skip: needsRoot,
}, async t => {
  const size = 200 * MIB;
  const disk = smallDisk(t, 250);
  const filler = leave(disk, 8 * MIB);
  const full = await openPart(t, disk, size);
  const source = new RemoteFake();
  await assert.rejects(fill(source, full.part), error => systemErrorCode(error) === 'ENOSPC');
  assert.ok(source.sent < size, 'what has no place is not downloaded');
  rmSync(filler);
  const { path, part } = await openPart(t, disk, size);
  const rest = new RemoteFake();
  await fill(rest, part);
  assert.ok(rest.sent <= size - 4 * MIB, `${rest.sent} bytes were fetched the second time`);
  part.finish();
  assert.ok(readFileSync(path).equals(bytesAt('film', 'v1', 0, size)));
});

test('on a disk that is full what is there stays, though its marks were cut off', {
  skip: needsRoot,
}, async t => {
  // The first mark ends with a page of the disk.
  const size = 4 * MIB - 4;
  const disk = smallDisk(t, 16);
  const { path, part } = await openPart(t, disk, size);
  await part.write(0, bytesAt('film', 'v1', 0, MIB));
  await part.commit([{ start: 0, end: MIB }]);
  truncateSync(path, 4 * MIB);
  leave(disk, 0);
  const later = await openPart(t, disk, size);
  assert.ok(later.part.isOfUse);
  assert.deepEqual(later.part.missing(0, size), [{ start: MIB, end: size }]);
});

test('what fills it in any order is added up in order meanwhile, until it is given up', async t => {
  const folder = temporaryFolder(t);
  const first = await openPart(t, folder);
  await assert.rejects(
    fill(
      sendsOnly(9 * MIB, () => {
        throw new Error('the network is gone');
      }),
      first.part,
    ),
  );
  const [lost, hash] = [createHash('sha256'), createHash('sha256')];
  const waiting = addUp(first.part, first.handle.fd, [lost]);
  first.part.giveUp(new Error('enough'));
  await assert.rejects(waiting, /enough/);

  const { part, handle } = await openPart(t, folder);
  await Promise.all([addUp(part, handle.fd, [hash]), fill(new RemoteFake(), part)]);
  assert.ok(hash.digest().equals(sha256(bytesAt('film', 'v1', 0, SIZE))));
  assert.ok(part.written < SIZE, 'it went on with what was there');
});
