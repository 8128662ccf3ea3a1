/**
 * What is in the cache when downloads are ended: all that had come, and no room for what had not. And what is closed, or would
 * be, while a commit is under way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemoteContent } from '../../src/volume/blob.js';
import { CacheStore } from '../../src/volume/cached-blob.js';
import { Downloader } from '../../src/volume/download.js';
import { KeptBlocks } from '../../src/volume/kept-blocks.js';
import { SafeBlob } from '../../src/volume/safe-blob.js';
import { assertClean, contentsOf, MiB, openBelow, openCache, ROOM } from '../support/caches.js';
import { MemoryStore, RemoteFake, remoteFile, type Script, untilCommitted } from '../support/remote-fake.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const never: Promise<void> = new Promise(() => {});

/** Half of it comes. */
const half: Script = ({ start, sent }) => (start + sent < 2 * MiB ? undefined : never);

for (const [when, waits] of [
  ['just now', false],
  ['a while ago', true],
] as const) {
  test(`what came ${when}`, async t => {
    const cache = openCache(temporaryFolder(t), { blockThreshold: MiB });
    const downloads = new Downloader({
      cache: new CacheStore(() => cache, new AbortController().signal),
      onChanged: () => {},
    });
    const source = new RemoteFake(half);
    const file = remoteFile(source, 4 * MiB);
    const ended = assert.rejects(downloads.ensure(file, 0, file.size), { code: 'interrupted' });
    const bytes = await downloads.read(file, 0, 2 * MiB);
    assert.equal(bytes.length, 2 * MiB);
    if (waits) await untilCommitted(() => cache.presentBytes(file.key, file.size) === bytes.length);
    await downloads.close();
    await ended;
    assert.equal(cache.presentBytes(file.key, file.size), bytes.length);
    assert.equal(cache.status().bytes, 2 * ROOM);
    cache.close();
  });
}

for (const [size, blocks, what] of [
  [4 * MiB, 4, 'a whole file'],
  [4 * MiB, 2, 'half a file'],
  [MiB / 2, 1, 'a small file'],
] as const) {
  test(`${what} that is closed while it is committed is there, and nothing of it stays open`, async t => {
    const folder = temporaryFolder(t);
    const cache = openCache(folder, { blockThreshold: MiB });
    const file = remoteFile(new RemoteFake(), size);
    const blob = new CacheStore(() => cache, new AbortController().signal).open(file);
    const end = Math.min(blocks * MiB, size);
    for (let at = 0; at < end; at += MiB) {
      await blob.write(at, contentsOf('k', size).subarray(at, at + MiB));
    }
    const committing = blob.commit([{ start: 0, end }]);
    blob.close();
    await committing;
    assert.deepEqual(openBelow(folder), []);
    assert.equal(cache.presentBytes(file.key, size), end);
    assertClean(cache);
    cache.close();
  });
}

test('what failed is not opened anew while it commits', async t => {
  const store = new MemoryStore();
  let opened = 0;
  const open = (content: RemoteContent) => {
    opened++;
    return store.open(content);
  };
  const blob = new SafeBlob({ open }, remoteFile(new RemoteFake(), 2 * MiB), new KeptBlocks(0));
  await blob.write(0, Buffer.alloc(MiB));
  store.full = true;
  await blob.write(MiB, Buffer.alloc(MiB));
  const later = performance.now() + 10_000;
  t.mock.method(performance, 'now', () => later);
  const committing = blob.commit([{ start: 0, end: MiB }]);
  blob.reserve(MiB, 2 * MiB);
  assert.equal(opened, 1);
  await committing;
  blob.reserve(MiB, 2 * MiB);
  assert.equal(opened, 2);
});
