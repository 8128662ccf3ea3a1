/** Bodies whose memory is used again are what was sent, over real sockets: by length and chunked, with TLS, at any pace. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { Connections } from '../../../src/sources/web/connections.js';
import { bodyBytes } from '../../../src/sources/web/ranges.js';
import { giveBack } from '../../../src/sources/web/read-buffers.js';
import { defaultTimeouts } from '../../../src/sources/web/timeouts.js';
import { TransientError } from '../../../src/sources/web/transient.js';
import { makeCertificates } from '../../support/certificates.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const MIB = 1 << 20;
const CONTENT = randomBytes(16 * MIB);

/** Answers with what begins at the byte that the path names: by length, or as `?chunked` in chunks of odd sizes. */
const serve: RequestListener = (request, response) => {
  const { pathname, search } = new URL(request.url ?? '', 'http://host');
  const body = CONTENT.subarray(Number(pathname.slice(1)));
  if (search !== '?chunked') return void response.setHeader('content-length', body.length).end(body);
  const next = (at: number) => {
    if (at >= body.length) return void response.end();
    const end = at + 1 + ((at * 7919) % 50_000);
    response.write(body.subarray(at, end), () => next(end));
  };
  next(0);
};

async function started(context: TestContext, server: Server, scheme: string, ca?: string) {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const connections = new Connections(defaultTimeouts, ca);
  context.after(async () => {
    await connections.close();
    server.closeAllConnections();
    server.close();
  });
  return { connections, origin: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const plain = (context: TestContext) => started(context, createHttpServer(serve), 'http');

function encrypted(context: TestContext) {
  const { ca, certFile, keyFile } = makeCertificates(temporaryFolder(context));
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  return started(context, createHttpsServer(tls, serve), 'https', readFileSync(ca, 'utf8'));
}

type Started = Awaited<ReturnType<typeof plain>>;

async function* bodyOf({ connections, origin }: Started, path: string): AsyncGenerator<Uint8Array> {
  const { signal } = new AbortController();
  const answer = await connections.request({ origin, path, method: 'GET', headers: {}, signal });
  const bytes = CONTENT.length - Number.parseInt(path.slice(1), 10);
  yield* bodyBytes(answer, { skip: 0, bytes, tooMuch: 'wrong' }, { name: path, origin }, signal);
}

interface Arrived {
  digest: string;
  /** The memory that the pieces were in, each once. */
  memory: Set<ArrayBufferLike>;
}

/** Gives each piece back, and is slow now and then, so that several wait. */
async function read(server: Started, path: string): Promise<Arrived> {
  const hash = createHash('sha256');
  const memory = new Set<ArrayBufferLike>();
  let nth = 0;
  for await (const piece of bodyOf(server, path)) {
    if (nth++ % 5 === 0) await turn();
    hash.update(piece);
    memory.add(piece.buffer);
    giveBack(piece);
  }
  return { digest: hash.digest('hex'), memory };
}

function expected(start: number): string {
  return createHash('sha256').update(CONTENT.subarray(start)).digest('hex');
}

for (const [name, start] of Object.entries({ plain, encrypted })) {
  test(`many bodies at a time are right, ${name}`, async context => {
    const server = await start(context);
    const reads = Array.from({ length: 12 }, async (_, n) => {
      const from = n * 1_000_003;
      const { digest } = await read(server, `/${from}${n % 2 === 0 ? '' : '?chunked'}`);
      assert.equal(digest, expected(from), `from ${from}`);
    });
    await Promise.all(reads);
  });

  test(`what is not given back stays as it is, ${name}`, async context => {
    const server = await start(context);
    const kept: Uint8Array[] = [];
    for await (const piece of bodyOf(server, '/0')) kept.push(piece);
    await Promise.all([read(server, '/0'), read(server, '/5?chunked')]);
    assert.ok(Buffer.concat(kept).equals(CONTENT));
  });
}

for (const [name, start] of Object.entries({ plain, encrypted })) {
  test(`the server waits for a reader that is slow, ${name}`, async context => {
    const server = await start(context);
    const hash = createHash('sha256');
    let largest = 0;
    for await (const piece of bodyOf(server, '/0?chunked')) {
      largest = Math.max(largest, piece.length);
      hash.update(piece);
      giveBack(piece);
      await wait(1);
    }
    assert.equal(hash.digest('hex'), expected(0));
    assert.ok(largest <= MIB / 4, `${largest} bytes at a time`);
  });
}

test('a body that was cut off before anybody read it is an error', async context => {
  const cut: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-length': MIB });
    response.write(CONTENT.subarray(0, 1000), () => response.destroy());
  };
  const server = await started(context, createHttpServer(cut), 'http');
  const { signal } = new AbortController();
  const { connections, origin } = server;
  const answer = await connections.request({ origin, path: '/', method: 'GET', headers: {}, signal });
  await assert.rejects(once(answer.body, 'close'), /other side closed/);
  const wanted = { skip: 0, bytes: MIB, tooMuch: 'wrong' } as const;
  const bytes = bodyBytes(answer, wanted, { name: 'x', origin }, signal);
  await assert.rejects(bytes.next(), TransientError);
});

test('one body after the other lies in the same memory', async context => {
  const server = await plain(context);
  const memory = new Set<ArrayBufferLike>();
  for (let n = 0; n < 8; n++) for (const each of (await read(server, '/0')).memory) memory.add(each);
  const bytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  // 128 MiB came. Short pieces are copies.
  assert.ok(bytes < 32 * MIB, `${bytes} bytes`);
});

test('a body that is given up in its middle leaves the others right', async context => {
  const server = await plain(context);
  for (let n = 0; n < 20; n++) {
    const others = [read(server, '/7'), read(server, '/9?chunked')];
    for await (const piece of bodyOf(server, '/0')) {
      giveBack(piece);
      break;
    }
    const [first, second] = await Promise.all(others);
    assert.deepEqual([first?.digest, second?.digest], [expected(7), expected(9)]);
  }
});
