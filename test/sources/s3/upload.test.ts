/** Uploads to a server that fails, and to one that knows conditions: whole or not at all, and no parts are left behind. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { defaultTimeouts } from '../../../src/sources/web/timeouts.js';
import { fails } from '../../contract/remote-source.js';
import { startServer } from '../../support/file-server.js';

const MIB = 1 << 20;
/** Bytes that are not the same anywhere. */
const LONG = randomBytes(50 * MIB);
const contents = (bytes: number) => LONG.subarray(0, bytes);
const place = { path: 'file', key: undefined };

interface Asked {
  /** `PUT 2`, `POST uploads`: the method, and the part or the other query. */
  what: string;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
}

/** Answers, or leaves that to a server for which all is well. */
type Fault = (asked: Asked, nth: number, response: ServerResponse) => boolean;

async function bucketWith(context: TestContext, fault: Fault, timeouts = defaultTimeouts) {
  const asked: Asked[] = [];
  const counts = new Map<string, number>();
  const { url } = await startServer(context, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', piece => pieces.push(piece));
    request.on('end', () => {
      const query = new URL(request.url ?? '', url).searchParams;
      const part = query.get('partNumber') ?? [...query.keys()][0] ?? '';
      const one = {
        what: `${request.method} ${part}`.trim(),
        headers: request.headers,
        body: Buffer.concat(pieces),
      };
      asked.push(one);
      const nth = (counts.get(one.what) ?? 0) + 1;
      counts.set(one.what, nth);
      if (!fault(one, nth, response)) succeed(one.what, response);
    });
  });
  const retry = { attempts: 3, firstWaitMs: 1, longestWaitMs: 5 };
  const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true }, { retry, timeouts });
  context.after(() => source.close());
  const put = async (size: number, replaces?: string | null) =>
    source.put?.(place, once(contents(size)), { size, replaces, signal: new AbortController().signal });
  return { put, asked, whats: () => asked.map(({ what }) => what) };
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const completed = '<CompleteMultipartUploadResult><ETag>"all-2"</ETag></CompleteMultipartUploadResult>';

function succeed(what: string, response: ServerResponse): void {
  if (what === 'POST uploads') {
    response.end(
      '<InitiateMultipartUploadResult><UploadId>id&amp;1</UploadId></InitiateMultipartUploadResult>',
    );
  } else if (what === 'POST uploadId') response.end(completed);
  else if (what === 'DELETE uploadId') response.writeHead(204).end();
  else response.writeHead(200, { etag: `"${what.replace('PUT ', '')}"` }).end();
}

test('parts are sent, completed in order, and sent again where that helps', async context => {
  const { put, asked, whats } = await bucketWith(context, ({ what }, nth, response) => {
    const fails = what === 'PUT 2' && nth < 3;
    if (fails) response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    return fails;
  });
  assert.equal(await put(50 * MIB), '"all-2"');
  assert.deepEqual(
    whats().toSorted(),
    ['POST uploads', 'PUT 1', 'PUT 2', 'PUT 2', 'PUT 2', 'PUT 3', 'PUT 4', 'POST uploadId'].toSorted(),
  );
  assert.equal(whats().at(-1), 'POST uploadId');
  const part = (number: number) =>
    asked.findLast(({ what }) => what === `PUT ${number}`)?.body ?? Buffer.alloc(0);
  assert.ok(Buffer.concat([1, 2, 3, 4].map(part)).equals(contents(50 * MIB)));
  const list = [1, 2, 3, 4].map(
    number => `<Part><PartNumber>${number}</PartNumber><ETag>"${number}"</ETag></Part>`,
  );
  assert.equal(
    String(asked.at(-1)?.body),
    `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`,
  );
});

test('when a part cannot be sent, or the parts cannot be put together, nothing is left behind', async context => {
  const endings = {
    'PUT 2': (response: ServerResponse) =>
      response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>'),
    'PUT 1': (response: ServerResponse) => response.writeHead(500).end(),
    'POST uploadId': (response: ServerResponse) =>
      response.end(
        '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>so sorry</Message></Error>',
      ),
  };
  const codes = { 'PUT 2': 'denied', 'PUT 1': 'unreachable', 'POST uploadId': 'failed' } as const;
  for (const [where, end] of Object.entries(endings)) {
    const { put, whats } = await bucketWith(context, ({ what }, _, response) => {
      if (what === where) end(response);
      return what === where;
    });
    const code = Object.entries(codes).find(([each]) => each === where)?.[1] ?? assert.fail();
    await assert.rejects(put(40 * MIB), fails(code, /cannot write s3:\/\/bucket\/file/), where);
    assert.equal(whats().at(-1), 'DELETE uploadId', where);
    assert.equal(whats().filter(what => what === 'DELETE uploadId').length, 1);
  }
});

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest();

test('an object whose last answer was lost is there', async context => {
  const tags: Buffer[] = [];
  const isGone = '<Error><Code>NoSuchUpload</Code></Error>';
  let isOurs = true;
  const { put, whats } = await bucketWith(context, ({ what, body }, nth, response) => {
    if (/^PUT/.test(what)) {
      const tag = md5(body);
      tags[Number(what.slice(4))] = tag;
      response.writeHead(200, { etag: `"${tag.toString('hex')}"` }).end();
    } else if (what === 'HEAD') {
      const all = md5(Buffer.concat(tags.slice(1))).toString('hex');
      response.writeHead(200, { etag: isOurs ? `"${all}-3"` : '"another"' }).end();
    } else if (what !== 'POST uploadId') return false;
    else if (nth % 2 === 1) response.socket?.resetAndDestroy();
    else response.writeHead(404).end(isGone);
    return true;
  });
  assert.match((await put(40 * MIB)) ?? '', /^"[0-9a-f]{32}-3"$/);
  assert.ok(!whats().includes('DELETE uploadId'));
  isOurs = false;
  await assert.rejects(put(40 * MIB), fails('not-found', /NoSuchUpload/));
});

test('what writes is waited for as long as a server may take, and a body as long as it is on its way', async context => {
  const timeouts = { connectMs: 1000, idleMs: 600, firstIdleMs: 50 };
  const late: Fault = ({ what }, _, response) => {
    setTimeout(() => succeed(what, response), 200);
    return true;
  };
  const { put, whats } = await bucketWith(context, late, timeouts);
  await put(20 * MIB);
  assert.deepEqual(whats().toSorted(), ['POST uploadId', 'POST uploads', 'PUT 1', 'PUT 2']);
  const { url } = await startServer(context, (request, response) => {
    // A little at a time; the rest, which may wait in the buffers on the way, at once.
    let taken = 0;
    const taking = setInterval(() => {
      const most = taken < 10 * MIB ? 192 * 1024 : 16 * MIB;
      const piece: Buffer | null = request.read(most) ?? request.read();
      taken += piece?.length ?? 0;
    }, 20);
    request.on('readable', () => {}).on('end', () => clearInterval(taking));
    request.on('end', () => response.writeHead(200, { etag: '"all"' }).end());
  });
  const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true }, { timeouts });
  context.after(() => source.close());
  const request = { size: 16 * MIB, signal: new AbortController().signal };
  assert.equal(await source.put?.(place, once(contents(16 * MIB)), request), '"all"');
});

test('conditions are sent, once, and what they say is told', async context => {
  for (const [size, deciding] of [
    [10, 'PUT'],
    [20 * MIB, 'POST uploadId'],
  ] as const) {
    let status = 200;
    const { put, asked } = await bucketWith(context, ({ what }, _, response) => {
      if (what !== deciding || status === 200) return false;
      response.writeHead(status).end();
      return true;
    });
    const conditions = () => {
      const { headers } = asked.findLast(({ what }) => what === deciding) ?? assert.fail();
      return [headers['if-none-match'], headers['if-match']];
    };
    await put(size, null);
    assert.deepEqual(conditions(), ['*', undefined]);
    await put(size, '"old"');
    assert.deepEqual(conditions(), [undefined, '"old"']);
    for (const [code, says] of [
      [412, /another version/],
      [409, /another version/],
    ] as const) {
      status = code;
      await assert.rejects(put(size, null), fails('exists', says));
    }
    status = 501;
    await assert.rejects(put(size, null), fails('failed', /no conditions/));
    status = 503;
    const before = asked.filter(({ what }) => what === deciding).length;
    await assert.rejects(put(size, null), fails('unreachable'));
    assert.equal(asked.filter(({ what }) => what === deciding).length, before + 1, 'not sent again');
  }
});
