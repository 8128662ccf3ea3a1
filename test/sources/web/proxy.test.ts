/** Proxies of the environment, and certificate authorities of one's own: with real sockets, and TLS. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { filesOf } from '../../contract/remote-source.js';
import { makeCertificates } from '../../support/certificates.js';
import { setEnvironment } from '../../support/environment.js';
import { serveFolder, startServer } from '../../support/file-server.js';
import { temporaryFolder, writeFiles } from '../../support/temporary-folder.js';

async function listening(context: TestContext, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A proxy for which every host is this machine: it passes on what it is asked, and notes it. */
async function startProxy(context: TestContext) {
  const asked: string[] = [];
  const proxy = createHttpServer((request, response) => {
    const { port, host, pathname, search } = new URL(request.url ?? '');
    asked.push(`${request.method} ${host}`);
    const { method, headers } = request;
    const passed = httpRequest(
      { host: '127.0.0.1', port, method, headers, path: pathname + search },
      answer => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    passed.end();
  });
  proxy.on('connect', (request, client, head) => {
    asked.push(`CONNECT ${request.url}`);
    const server = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      server.write(head);
      server.pipe(client).pipe(server);
    });
    for (const end of [client, server]) end.on('error', () => {});
  });
  return { url: `http://127.0.0.1:${await listening(context, proxy)}`, asked };
}

async function paths(uri: string, options = {}): Promise<string[]> {
  const source = await openRemote(uri, options);
  try {
    return [...(await filesOf(source)).keys()].sort();
  } finally {
    await source.close();
  }
}

test('what is not encrypted is asked of the proxy, and not where NO_PROXY says so', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, 'a', 'b/c');
  const { port } = new URL((await startServer(context, serveFolder(folder))).url);
  const proxy = await startProxy(context);
  setEnvironment(context, { http_proxy: proxy.url, no_proxy: '' });
  const address = `http://files.example:${port}/`;
  assert.deepEqual(await paths(address), ['a', 'b/c']);
  assert.ok(proxy.asked.includes(`GET files.example:${port}`), String(proxy.asked));
  process.env.no_proxy = 'other.example,files.example';
  const before = proxy.asked.length;
  await assert.rejects(paths(address), { code: 'unreachable' });
  assert.equal(proxy.asked.length, before);
});

test('no proxy leads to this machine', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, 'a');
  const { url } = await startServer(context, serveFolder(folder));
  setEnvironment(context, { http_proxy: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' });
  assert.deepEqual(await paths(`${url}/`), ['a']);
});

test('a proxy that is no address is an error that says what to write', async context => {
  setEnvironment(context, { https_proxy: 'nonsense' });
  await assert.rejects(openRemote('https://files.example/'), { code: 'usage', message: /the proxy/ });
});

test('where a proxy may be what cannot be reached, the hint says so', async context => {
  setEnvironment(context, { HTTP_PROXY: 'http://127.0.0.1:1' });
  const retry = { attempts: 1, firstWaitMs: 1, longestWaitMs: 1 };
  const source = await openRemote('http://files.example/', {}, { retry });
  context.after(() => source.close());
  await assert.rejects(filesOf(source), { code: 'unreachable', hint: /the proxy that HTTP_PROXY/ });
});

test('TLS goes through the proxy, to a server whose authority AWS_CA_BUNDLE names', async context => {
  const folder = temporaryFolder(context);
  const { ca, certFile, keyFile } = makeCertificates(folder);
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  const listing =
    '<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>x</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2024-05-01T10:00:00.000Z</LastModified></Contents></ListBucketResult>';
  const server = createHttpsServer(tls, (_, response) => void response.end(listing));
  const port = await listening(context, server);
  const proxy = await startProxy(context);
  const options = { endpoint: `https://files.example:${port}`, anonymous: true };
  setEnvironment(context, { https_proxy: proxy.url, no_proxy: '' });
  await assert.rejects(paths('s3://b', options), { code: 'unreachable', message: /cannot prove who it is/ });
  setEnvironment(context, { AWS_CA_BUNDLE: ca });
  assert.deepEqual(await paths('s3://b', options), ['x']);
  assert.ok(proxy.asked.includes(`CONNECT files.example:${port}`), String(proxy.asked));
  // And with no proxy between.
  assert.deepEqual(await paths('s3://b', { ...options, endpoint: `https://127.0.0.1:${port}` }), ['x']);
});
