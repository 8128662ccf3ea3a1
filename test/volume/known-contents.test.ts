/** Files whose SHA-256 is known before they are downloaded: fetched once, whatever they are called, and kept only when it is right. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { BLOCK_SIZE } from '../../src/cache/blocks.js';
import { Cache } from '../../src/cache/cache.js';
import { CacheStore } from '../../src/volume/cached-blob.js';
import { Downloader } from '../../src/volume/download.js';
import { bytesAt, MIB, RemoteFake, remoteFile } from '../support/remote-fake.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function setup(context: TestContext, size: number) {
  const limits = { maxSize: 1e9, minFree: 0, maxAge: 1e9, blockThreshold: BLOCK_SIZE };
  const cache = Cache.open(temporaryFolder(context), limits);
  const source = new RemoteFake();
  const downloads = new Downloader({
    cache: new CacheStore(() => cache, new AbortController().signal),
    onChanged: () => {},
  });
  context.after(async () => {
    await downloads.close();
    cache.close();
  });
  const bytes = bytesAt('film', 'v1', 0, size);
  const sha256 = createHash('sha256').update(bytes).digest();
  const file = (key: string, known: Buffer) => ({ ...remoteFile(source, size), key, sha256: known });
  return { cache, source, downloads, bytes, sha256, file };
}

for (const [what, size] of [
  ['small', 100_000],
  ['large', 5 * MIB + 7],
] as const) {
  test(`equal ${what} files are downloaded once`, async t => {
    const { cache, source, downloads, bytes, sha256, file } = setup(t, size);
    await downloads.ensure(file('a', sha256), 0, size);
    assert.deepEqual(await downloads.read(file('b', sha256), 0, size), bytes);
    assert.equal(source.sent, size);
    assert.ok(cache.isWhole('a', size) && cache.isWhole('b', size));
    assert.equal(cache.status().blobs, 1);
  });

  test(`a ${what} file with other contents than are known is read, and not kept`, async t => {
    const { cache, source, downloads, bytes, file } = setup(t, size);
    const wrong = file('a', Buffer.alloc(32));
    await assert.rejects(downloads.ensure(wrong, 0, size), { code: 'integrity' });
    assert.equal(cache.isWhole('a', size), false);
    assert.deepEqual(await downloads.read(wrong, 0, size), bytes);
    assert.equal(source.sent, 2 * size);
  });
}
