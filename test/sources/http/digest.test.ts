/** Whole files, compared with the digests that a web server tells of them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { fails, noise, readBytes } from '../../contract/remote-source.js';
import { startServer } from '../../support/file-server.js';

const CONTENTS = noise(100_000);
const digest = (algorithm: string, bytes = CONTENTS) => createHash(algorithm).update(bytes).digest('base64');
const file = { path: 'file', key: undefined, size: CONTENTS.length, version: '"x"' };

/** A file with these headers, one byte of which is spoilt the first times that it is asked for. */
async function open(context: TestContext, headers: Record<string, string>, spoilt = 0, contents = CONTENTS) {
  const asked: string[] = [];
  const { url } = await startServer(context, (request, response) => {
    asked.push(request.method ?? '');
    const body = Buffer.from(contents);
    if (asked.length <= spoilt) body[9] = (body[9] ?? 0) ^ 1;
    response.writeHead(200, { etag: '"x"', 'content-length': body.length, ...headers }).end(body);
  });
  const source = await openRemote(`${url}/`);
  context.after(() => source.close());
  return { source, asked };
}

for (const [name, headers] of Object.entries({
  'Repr-Digest': { 'repr-digest': `sha-512=:${digest('sha512')}:, sha-256=:${digest('sha256')}:` },
  'Repr-Digest of another algorithm': { 'repr-digest': `x=:YQ==:, sha-512=:${digest('sha512')}:` },
  Digest: { digest: `UNIXsum=30637, SHA-256=${digest('sha256')}` },
  'Digest of another algorithm': { digest: `md5=${digest('md5')}` },
  'Content-MD5': { 'content-md5': digest('md5') },
})) {
  test(`a whole file is compared with its ${name}`, async context => {
    const { source } = await open(context, headers);
    assert.ok((await readBytes(source, file)).equals(CONTENTS));
    const { source: once } = await open(context, headers, 1);
    assert.ok((await readBytes(once, file)).equals(CONTENTS), 'damaged on its way, once');
    const { source: bad, asked } = await open(context, headers, 9);
    await assert.rejects(readBytes(bad, file), fails('integrity', /damaged/));
    assert.deepEqual(asked, ['GET', 'GET']);
  });
}

test('of a large file the digest is asked for', async context => {
  const large = noise(8 * 1024 * 1024 + 1);
  const headers = { 'repr-digest': `sha-256=:${digest('sha256', large)}:` };
  const { source, asked } = await open(context, headers, 0, large);
  const request = { size: large.length, version: '"x"', signal: new AbortController().signal };
  for (const [bytes, isRight] of [
    [large, true],
    [large.subarray(1), false],
  ] as const) {
    const told = await source.checksum?.(file, request);
    told?.update(bytes);
    assert.equal(await told?.matches(), isRight);
  }
  assert.deepEqual(asked, ['HEAD', 'HEAD']);
  await assert.rejects(
    async () => source.checksum?.(file, { ...request, version: '"y"' }),
    fails('content-changed'),
  );
});

test('what is no digest is not compared', async context => {
  const hexadecimal = createHash('sha256').digest('hex');
  for (const headers of [
    { digest: `SHA-256=${hexadecimal}` },
    { 'repr-digest': `sha-256=${hexadecimal}` },
    { 'repr-digest': 'sha-256=:x:' },
    { 'repr-digest': ',,=' },
    { 'content-md5': 'x' },
    { 'content-digest': `sha-256=:${digest('sha256', Buffer.alloc(1))}:` },
  ]) {
    const { source } = await open(context, headers);
    assert.ok((await readBytes(source, file)).equals(CONTENTS));
  }
});
