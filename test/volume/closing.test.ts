/** What is in the cache when downloads are ended: all that had come, and no room for what had not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CacheStore } from '../../src/volume/cached-blob.js';
import { Downloader } from '../../src/volume/download.js';
import { MiB, openCache, ROOM } from '../support/caches.js';
import { RemoteFake, remoteFile, type Script, untilCommitted } from '../support/remote-fake.js';
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
    const downloads = new Downloader({ cache: new CacheStore(() => cache), onChanged: () => {} });
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
