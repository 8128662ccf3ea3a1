/**
 * Servers that close or reset the connection behind an answer, while its reader takes a rest: nothing of it is lost, and nothing
 * fails, with a proxy between or without.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { Connections, type WebAnswer } from '../../../src/sources/web/connections.js';
import { bodyBytes } from '../../../src/sources/web/ranges.js';
import { giveBack } from '../../../src/sources/web/read-buffers.js';
import { defaultTimeouts } from '../../../src/sources/web/timeouts.js';
import { TransientError } from '../../../src/sources/web/transient.js';
import { makeCertificates } from '../../support/certificates.js';
import { setEnvironment } from '../../support/environment.js';
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

async function listening(context: TestContext, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  context.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function serve(context: TestContext, server: Server, scheme: string, ca?: string): Promise<Place> {
  const port = await listening(context, server);
  const connections = new Connections(defaultTimeouts, ca);
  context.after(() => connections.close());
  return { connections, origin: `${scheme}://127.0.0.1:${port}` };
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

/**
 * The same through a proxy for which every host is this machine. It passes on what comes, byte by byte, and with one answer to
 * each connection.
 */
function byProxy(start: typeof plain): typeof plain {
  return async (context, answer) => {
    const proxy = createServer(client => {
      client.once('data', data => {
        const [, method, target] = /^(\S+) (\S+)/.exec(data.toString('latin1')) ?? [];
        const server = connect(Number(/:(\d+)/.exec(target ?? '')?.[1]), '127.0.0.1');
        if (method === 'CONNECT') client.write('HTTP/1.1 200 OK\r\n\r\n');
        else server.write(data.toString('latin1').replace(/http:..[^/]+/, ''), 'latin1');
        server.pipe(client).pipe(server);
        for (const end of [client, server]) end.on('error', () => {});
      });
    });
    const url = `http://127.0.0.1:${await listening(context, proxy)}`;
    setEnvironment(context, { http_proxy: url, https_proxy: url, no_proxy: '' });
    const place = await start(context, answer);
    return { ...place, origin: place.origin.replace('127.0.0.1', 'files.example') };
  };
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

const kinds = {
  plain,
  encrypted,
  'plain, by a proxy': byProxy(plain),
  'encrypted, by a proxy': byProxy(encrypted),
};

for (const [kind, start] of Object.entries(kinds)) {
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
