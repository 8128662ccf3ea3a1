/** Servers that close or reset the connection behind an answer, while its reader takes a rest: nothing of it is lost, and nothing fails. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { Connections, type WebAnswer } from '../../../src/sources/web/connections.js';
import { bodyBytes } from '../../../src/sources/web/ranges.js';
import { giveBack } from '../../../src/sources/web/read-buffers.js';
import { defaultTimeouts } from '../../../src/sources/web/timeouts.js';
import { TransientError } from '../../../src/sources/web/transient.js';
import { makeCertificates } from '../../support/certificates.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const CONTENT = randomBytes(3 << 20);
/** Around what the buffers between a socket and its reader hold. */
const SIZES = [
  1,
  64 << 10,
  (64 << 10) + 1,
  128 << 10,
  (128 << 10) + 1,
  192 << 10,
  256 << 10,
  1 << 20,
  3 << 20,
];

/** How the length of a body is told. */
const heads: Readonly<Record<string, (bytes: number) => string>> = {
  'HTTP/1.0 with a length': bytes => `HTTP/1.0 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`,
  'HTTP/1.0 without a length': () => 'HTTP/1.0 200 OK\r\n\r\n',
  'Connection: close': bytes => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`,
};

type Answer = (socket: Socket, path: string) => void;

/** The path names the bytes that are sent. */
const answering =
  (head: (bytes: number) => string): Answer =>
  (socket, path) => {
    const bytes = Number(path.slice(1));
    socket.write(head(bytes));
    socket.end(CONTENT.subarray(0, bytes));
  };

interface Place {
  connections: Connections;
  origin: string;
}

async function serve(context: TestContext, server: Server, scheme: string, ca?: string): Promise<Place> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const connections = new Connections(defaultTimeouts, ca);
  context.after(async () => {
    await connections.close();
    server.close();
  });
  return { connections, origin: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function listener(answer: Answer) {
  return (socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', head => answer(socket, head.toString('latin1').split(' ')[1] ?? ''));
  };
}

const plain = (context: TestContext, answer: Answer) =>
  serve(context, createServer(listener(answer)), 'http');

function encrypted(context: TestContext, answer: Answer): Promise<Place> {
  const { ca, certFile, keyFile } = makeCertificates(temporaryFolder(context));
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  return serve(context, createTlsServer(tls, listener(answer)), 'https', readFileSync(ca, 'utf8'));
}

const { signal } = new AbortController();

const ask = ({ connections, origin }: Place, path: string): Promise<WebAnswer> =>
  connections.request({ origin, path, method: 'GET', headers: {}, signal });

const bytesOf = (place: Place, answer: WebAnswer, bytes: number) =>
  bodyBytes(answer, { skip: 0, bytes, tooMuch: 'wrong' }, { name: 'x', origin: place.origin }, signal);

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Rests at the beginning, until the server has long been gone, and now and then. */
async function readAtLeisure(place: Place, bytes: number): Promise<string> {
  const answer = await ask(place, `/${bytes}`);
  await wait(100);
  const hash = createHash('sha256');
  let nth = 0;
  for await (const piece of bytesOf(place, answer, bytes)) {
    hash.update(piece);
    giveBack(piece);
    if (++nth % 4 === 0) await wait(3);
  }
  return hash.digest('hex');
}

for (const [kind, start] of Object.entries({ plain, encrypted })) {
  for (const [framing, head] of Object.entries(heads)) {
    test(`the connection is closed behind the answer: ${framing}, ${kind}`, async context => {
      const place = await start(context, answering(head));
      const digests = await Promise.all(SIZES.map(bytes => readAtLeisure(place, bytes)));
      assert.deepEqual(
        digests,
        SIZES.map(bytes => digestOf(CONTENT.subarray(0, bytes))),
      );
    });
  }
}

test('the connection is reset behind the answer', async context => {
  const place = await plain(context, (socket, path) => {
    const bytes = Number(path.slice(1));
    socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
    socket.write(CONTENT.subarray(0, bytes), () => setTimeout(() => socket.resetAndDestroy(), 50));
  });
  // What has not left the other machine's memory is lost with the connection: an error then, and never a short answer.
  for (const bytes of SIZES) {
    const digest = await readAtLeisure(place, bytes).catch((error: unknown) => {
      assert.ok(error instanceof TransientError, String(error));
    });
    assert.ok(digest === undefined || digest === digestOf(CONTENT.subarray(0, bytes)));
  }
});

test('an answer that is cut off while its reader rests is an error', async context => {
  const place = await plain(context, (socket, path) => {
    socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${Number(path.slice(1)) + 1}\r\n\r\n`);
    socket.end(CONTENT.subarray(0, Number(path.slice(1))));
  });
  for (const bytes of SIZES) {
    const answer = await ask(place, `/${bytes}`);
    await wait(50);
    const read = (async () => {
      for await (const piece of bytesOf(place, answer, bytes + 1)) giveBack(piece);
    })();
    await assert.rejects(read, TransientError);
  }
});

test('an answer that nobody reads, from a server that is gone, can be let go of', async context => {
  const place = await plain(
    context,
    answering(bytes => `HTTP/1.0 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`),
  );
  const answers = await Promise.all(SIZES.map(bytes => ask(place, `/${bytes}`)));
  await wait(100);
  for (const { body } of answers) body.destroy();
  await Promise.all(
    answers.map(({ body }) => body.closed || new Promise(resolve => body.once('close', resolve))),
  );
});
