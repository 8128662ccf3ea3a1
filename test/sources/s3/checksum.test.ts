/** Whole objects, compared with the checksums that a server tells of them. And what it will not give. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { Crc32c } from '../../../src/sources/s3/crc32c.js';
import { Crc64Nvme } from '../../../src/sources/s3/crc64.js';
import { fails, noise, readBytes } from '../../contract/remote-source.js';
import { startServer } from '../../support/file-server.js';

const CONTENTS = noise(300_000);
const sha = (algorithm: string) => createHash(algorithm).update(CONTENTS).digest('base64');
const file = { path: 'file', key: undefined, size: CONTENTS.length, version: '"x"' };

/** A bucket that tells these headers of its object, and spoils one byte of it the first times that it is asked. */
async function open(
  context: TestContext,
  headers: Record<string, string>,
  spoilt: number,
  contents = CONTENTS,
) {
  const modes: string[] = [];
  const { url } = await startServer(context, (request, response) => {
    modes.push([request.headers['x-amz-checksum-mode'], request.headers.range].join(' '));
    const [, from = '0', to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const body = Buffer.from(contents.subarray(Number(from), to === undefined ? undefined : Number(to) + 1));
    if (modes.length <= spoilt) body[0] = (body[0] ?? 0) ^ 1;
    const range = { 'content-range': `bytes ${from}-${to}/${contents.length}` };
    const told = { etag: '"x"', 'content-length': body.length, ...headers };
    response
      .writeHead(to === undefined ? 200 : 206, to === undefined ? told : { ...told, ...range })
      .end(body);
  });
  const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true });
  context.after(() => source.close());
  return { source, modes };
}

const md5 = `"${createHash('md5').update(CONTENTS).digest('hex')}"`;

/** Bit by bit; `polynomial` is reflected. */
function crc(bytes: Uint8Array, bits: number, polynomial: bigint): Buffer {
  const ones = (1n << BigInt(bits)) - 1n;
  let sum = ones;
  for (const byte of bytes) {
    sum ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) sum = (sum >> 1n) ^ (sum & 1n ? polynomial : 0n);
  }
  return Buffer.from((sum ^ ones).toString(16).padStart(bits / 4, '0'), 'hex');
}

const crc64nvme = (bytes: Uint8Array) => crc(bytes, 64, 0x9a6c_9329_ac4b_c9b5n);
const crc32c = (bytes: Uint8Array) => crc(bytes, 32, 0x82f6_3b78n);

/** What the sums of parts add up to. */
function sumOf(algorithm: string, parts: readonly Buffer[]): Buffer {
  const sum = (bytes: Buffer) => createHash(algorithm).update(bytes).digest();
  return sum(Buffer.concat(parts.map(sum)));
}

function composite(parts: readonly Buffer[]): { etag: string } & Record<string, string> {
  return {
    etag: '"x"',
    'x-amz-checksum-sha256': `${sumOf('sha256', parts).toString('base64')}-${parts.length}`,
    'x-amz-checksum-type': 'COMPOSITE',
  };
}

const right = {
  sha256: { 'x-amz-checksum-sha256': sha('sha256'), 'x-amz-checksum-type': 'FULL_OBJECT' },
  sha1: { 'x-amz-checksum-sha1': sha('sha1') },
  // As Python's zlib computes it.
  crc32: { 'x-amz-checksum-crc32': 'w1OKog==', 'x-amz-checksum-type': 'FULL_OBJECT' },
  crc64nvme: {
    'x-amz-checksum-crc64nvme': crc64nvme(CONTENTS).toString('base64'),
    'x-amz-checksum-type': 'FULL_OBJECT',
  },
  crc32c: {
    'x-amz-checksum-crc32c': crc32c(CONTENTS).toString('base64'),
    'x-amz-checksum-type': 'FULL_OBJECT',
  },
  'entity tag': { etag: md5, 'x-amz-checksum-crc32c': 'x', 'x-amz-checksum-type': 'FULL_OBJECT' },
  'checksum, made of one part': {
    'x-amz-checksum-sha256': `${sumOf('sha256', [CONTENTS]).toString('base64')}-1`,
    'x-amz-checksum-type': 'COMPOSITE',
  },
  'entity tag, encrypted as it may be': { etag: md5, 'x-amz-server-side-encryption': 'AES256' },
};

for (const [name, headers] of Object.entries(right)) {
  test(`a whole object is compared with its ${name}`, async context => {
    const { source, modes } = await open(context, headers, 0);
    const whole = 'etag' in headers ? { ...file, version: headers.etag } : file;
    assert.ok((await readBytes(source, whole)).equals(CONTENTS));
    assert.deepEqual(modes, ['ENABLED ']);
    const { source: once } = await open(context, headers, 1);
    assert.ok((await readBytes(once, whole)).equals(CONTENTS), 'damaged on its way, once');
    const { source: bad, modes: asked } = await open(context, headers, 9);
    const request = { start: 0, end: file.size, ...whole, signal: new AbortController().signal };
    await assert.rejects(
      async () => {
        for await (const piece of bad.read(file, request))
          assert.fail(`${piece.length} bytes of it are told`);
      },
      fails('integrity', /damaged/),
    );
    assert.equal(asked.length, 2);
  });
}

for (const { name, Sum, bitByBit, check } of [
  { name: 'CRC-64/NVME', Sum: Crc64Nvme, bitByBit: crc64nvme, check: 'ae8b14860a799888' },
  { name: 'CRC-32C', Sum: Crc32c, bitByBit: crc32c, check: 'e3069283' },
]) {
  test(`${name} is what its definition says, however the bytes come`, () => {
    assert.equal(bitByBit(Buffer.from('123456789')).toString('hex'), check);
    const bytes = CONTENTS.subarray(0, 1000);
    for (const cuts of [[], [1], [7, 8, 9], [3, 19, 500], [999]]) {
      const sum = new Sum();
      const edges = [0, ...cuts, bytes.length];
      for (const [nth, end] of edges.slice(1).entries()) sum.update(bytes.subarray(edges[nth], end));
      assert.deepEqual(sum.digest(), bitByBit(bytes));
    }
  });
}

test('an entity tag that is no MD5 is not compared', async context => {
  const wrong = md5.replace(/[0-9a-f]/g, '0');
  for (const [etag, headers] of [
    [wrong, { 'x-amz-server-side-encryption': 'aws:kms' }],
    [wrong, { 'x-amz-server-side-encryption': 'aws:kms:dsse' }],
    [wrong, { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }],
    [wrong.replace('0"', '0-2"'), {}],
    [wrong.replace('0"', '0-1"'), {}],
    [wrong.replace('0"', '"'), {}],
    [`W/${wrong}`, {}],
  ] as const) {
    const { source } = await open(context, { etag, ...headers }, 0);
    assert.ok((await readBytes(source, { ...file, version: etag })).equals(CONTENTS), etag);
  }
});

test('what is not compared: a part, what is too large to be held back, checksums of parts, and those that nobody computes here', async context => {
  const { source, modes } = await open(context, { 'x-amz-checksum-sha256': 'x' }, 0);
  const part = { start: 10, end: 20 };
  assert.ok((await readBytes(source, file, part)).equals(CONTENTS.subarray(10, 20)));
  assert.deepEqual(modes, [' bytes=10-19']);
  const long = noise(8 * 1024 * 1024 + 1);
  const { source: large, modes: ofLarge } = await open(context, { 'x-amz-checksum-sha256': 'x' }, 0, long);
  assert.ok((await readBytes(large, { ...file, size: long.length })).equals(long));
  assert.deepEqual(ofLarge, [' ']);
  for (const headers of [
    { 'x-amz-checksum-sha256': 'x', 'x-amz-checksum-type': 'COMPOSITE' },
    { 'x-amz-checksum-sha256': 'abcd=-2' },
    { 'x-amz-checksum-crc32': 'x', 'x-amz-checksum-type': 'FULL_OBJECT' },
  ]) {
    const { source } = await open(context, headers, 0);
    assert.ok((await readBytes(source, file)).equals(CONTENTS));
  }
});

test('of an object in an archive it is said what to do', async context => {
  const { url } = await startServer(context, (_request, response) => {
    const error = '<Error><Code>InvalidObjectState</Code><Message>not valid for this</Message></Error>';
    response.writeHead(403).end(error);
  });
  const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true });
  context.after(() => source.close());
  await assert.rejects(
    readBytes(source, file),
    fails('denied', /InvalidObjectState.*restore it there first/),
  );
});

const MIB = 1024 * 1024;
const LARGE = noise(9 * MIB + 1);

/** Cut where the parts of an upload end. */
function cut(sizes: readonly number[]): Buffer[] {
  let at = 0;
  return sizes.map(size => {
    at += size;
    return LARGE.subarray(at - size, at);
  });
}

/** A bucket with an object that was uploaded in parts; with `knowsParts`, it tells their sizes. */
async function openParts(
  context: TestContext,
  parts: readonly Buffer[],
  headers: { etag: string } & Record<string, string>,
  knowsParts = true,
) {
  const asked: string[] = [];
  const { url } = await startServer(context, (request, response) => {
    const part = new URL(request.url ?? '', 'http://s3').searchParams.get('partNumber');
    asked.push(part ?? '');
    const size = part === null || !knowsParts ? LARGE.length : parts[Number(part) - 1]?.length;
    response.writeHead(part === null ? 200 : 206, { ...headers, 'content-length': size }).end();
  });
  const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true });
  context.after(() => source.close());
  const version = headers.etag;
  const request = { size: LARGE.length, version, signal: new AbortController().signal };
  const told = await source.checksum?.(file, request);
  /** Undefined when nothing is told. */
  const matches = async (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += 700_001) told?.update(bytes.subarray(at, at + 700_001));
    return told?.matches();
  };
  return { asked, matches };
}

const spoilt = Buffer.from(LARGE);
spoilt[6 * MIB] = (spoilt[6 * MIB] ?? 0) ^ 1;

test('an object that was uploaded in parts is compared with what the sums of these add up to', async context => {
  const parts = cut([4 * MIB, 4 * MIB, MIB + 1]);
  const { matches, asked } = await openParts(context, parts, composite(parts));
  assert.equal(await matches(LARGE), true);
  assert.deepEqual(asked, ['', '1']);
  const { matches: notThese, asked: askedMore } = await openParts(context, parts, composite(parts));
  assert.equal(await notThese(spoilt), false);
  assert.deepEqual(askedMore, ['', '1', '2']);
});

test('of parts whose sizes differ, or are not told, nothing is known', async context => {
  const uneven = cut([4 * MIB, 3 * MIB, 2 * MIB + 1]);
  const { matches } = await openParts(context, uneven, composite(uneven));
  assert.equal(await matches(LARGE), true);
  const { matches: unasked } = await openParts(context, uneven, composite(uneven), false);
  assert.equal(await unasked(LARGE), undefined);
});
