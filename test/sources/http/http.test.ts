/** Web servers as sources: what is crawled and what is not, redirects, and lists. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { fails, filesOf, readBytes } from '../../contract/remote-source.js';
import { goodManners, type Handler, serveFolder, startServer } from '../../support/file-server.js';
import { temporaryFolder, writeFile, writeFiles } from '../../support/temporary-folder.js';

async function open(context: TestContext, url: string) {
  const source = await openRemote(url, {}, { retry: { attempts: 1, firstWaitMs: 1, longestWaitMs: 1 } });
  context.after(() => source.close());
  return source;
}

const html =
  (body: string): Handler =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end(body);

test('a folder may be named without its slash', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, 'pub/a', 'pub/b/c');
  const { url } = await startServer(context, serveFolder(folder));
  const source = await open(context, `${url}/pub`);
  const files = await filesOf(source);
  assert.deepEqual([...files.keys()].sort(), ['a', 'b/c']);
  const later = await open(context, `${url}/pub`);
  assert.equal(
    String(await readBytes(later, { path: 'b/c', key: undefined, size: 7, version: undefined })),
    'pub/b/c',
  );
});

test('what cannot be listed below the root is told, and is no reason to stop', async context => {
  const folder = temporaryFolder(context);
  writeFiles(
    folder,
    'a',
    'closed/x',
    'login/x',
    'broken/x',
    'page/x',
    'gone/x',
    'open/b',
    'open/closed',
    'open/gone',
  );
  const serve = serveFolder(folder);
  const faults: Record<string, (response: ServerResponse) => void> = {
    '/closed/': response => void response.writeHead(401).end(),
    '/broken/': response => void response.writeHead(500).end(),
    '/gone/': response => void response.writeHead(404).end(),
    '/page/': response => void response.writeHead(200, { 'content-type': 'text/plain' }).end('hello'),
    '/login/': response => void response.writeHead(302, { location: '/open/' }).end(),
    '/open/closed': response => void response.writeHead(403).end(),
    '/open/gone': response => void response.writeHead(404).end(),
  };
  const { url } = await startServer(context, (request, response) => {
    const fault = faults[request.url ?? ''];
    if (fault === undefined) serve(request, response);
    else fault(response);
  });
  const source = await open(context, `${url}/`);
  const unreadable = ['broken', 'closed', 'gone', 'login', 'open/closed', 'page'];
  const files = await filesOf(source, unreadable);
  assert.deepEqual([...files.keys()].sort(), ['a', 'open/b']);
  const reasons = new Map<string, string>();
  for await (const told of source.folders(new AbortController().signal)) {
    if ('reason' in told) reasons.set(told.path, told.reason);
  }
  assert.equal(reasons.get('closed'), 'the server answers 401');
  assert.equal(reasons.get('login'), `it leads to ${url}/open/`);
});

test('a server that goes away in the middle of a listing', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, ...Array.from({ length: 40 }, (_, at) => `f${at}/x`));
  const serve = serveFolder(folder);
  let requests = 0;
  const { url } = await startServer(context, (request, response) => {
    if (++requests > 1) request.socket.destroy();
    else serve(request, response);
  });
  await assert.rejects(filesOf(await open(context, `${url}/`)), fails('unreachable', /closed in the middle/));
  assert.ok(requests < 20, `${requests} requests`);
});

test('a name that is not UTF-8, as nginx writes it', async context => {
  const { url } = await startServer(context, (request, response) => {
    if (request.url === '/') {
      const index = Buffer.from('[{"name":"caf\xe9","type":"file"}]', 'latin1');
      response.writeHead(200, { 'content-type': 'application/json' }).end(index);
    } else response.writeHead(request.url === '/caf%E9' ? 200 : 404, { 'content-length': 4 }).end('four');
  });
  const source = await open(context, `${url}/`);
  const file = (await filesOf(source)).get('caf\uefe9') ?? assert.fail();
  assert.equal(String(await readBytes(source, file)), 'four');
});

test('a list of files', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, 'pub/a', 'pub/b/c d', 'pub/e/f', 'pub/unlisted');
  const { url } = await startServer(context, serveFolder(folder));
  const json = '{"path":"e/f","size":7,"mtime":"2024-05-01T10:00:00Z"}';
  writeFile(folder, 'pub/list.txt', `a\n${url}/pub/b/c%20d\n${json}\nmissing\n`);
  const source = await open(context, `${url}/pub/list.txt`);
  const files = await filesOf(source);
  assert.deepEqual([...files.keys()].sort(), ['a', 'b/c d', 'e/f']);
  for (const [path, file] of files) assert.equal(String(await readBytes(source, file)), `pub/${path}`);
  assert.equal(files.get('e/f')?.mtimeUs, 1_714_557_600_000_000);
});

test('a place above the root is not asked for', async context => {
  const asked: string[] = [];
  const { url } = await startServer(context, (request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  const source = await open(context, `${url}/pub/`);
  for (const key of ['../secret', 'a/../../secret', '..', './../x']) {
    await assert.rejects(
      readBytes(source, { path: 'x', key, size: 1, version: undefined }),
      fails('failed', /not below/),
    );
  }
  await assert.rejects(
    source.stat({ path: '/other.host/x/../../..', key: undefined }, new AbortController().signal),
  );
  assert.deepEqual(asked, []);
});

test('folders in folders without end are an error', async context => {
  const { url } = await startServer(context, html('<a href="again/">again</a>'));
  await assert.rejects(filesOf(await open(context, `${url}/`)), fails('failed', /deeper/));
});

test('a page that is no index is an error', async context => {
  for (const [type, body] of [
    ['text/plain', 'hello'],
    ['application/json', '{}'],
  ] as const) {
    const { url } = await startServer(
      context,
      (_request, response) => void response.writeHead(200, { 'content-type': type }).end(body),
    );
    await assert.rejects(filesOf(await open(context, `${url}/`)), fails('failed', /not an index/));
  }
  const { url } = await startServer(context, html('Welcome'));
  await assert.rejects(filesOf(await open(context, `${url}/page`)), fails('failed', /ends in a slash/));
});

test('nginx is asked once for each folder, and for one file', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, ...Array.from({ length: 100 }, (_, index) => `d${index % 5}/f${index}`));
  const asked: string[] = [];
  const serve = serveFolder(folder, { ...goodManners, index: 'nginx-json', tags: 'nginx' });
  const { url } = await startServer(context, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    serve(request, response);
  });
  assert.equal((await filesOf(await open(context, `${url}/`))).size, 100);
  assert.equal(asked.filter(request => request.startsWith('GET')).length, 6);
  // As many as are under way before the first is answered.
  assert.ok(asked.filter(request => request.startsWith('HEAD')).length <= 32, `${asked.length} requests`);
});

test('redirects of files are followed, from other hosts too', async context => {
  const folder = temporaryFolder(context);
  writeFiles(folder, 'file');
  const other = await startServer(context, serveFolder(folder));
  const { url } = await startServer(context, (request, response) =>
    request.url === '/'
      ? html('<a href="file">file</a>')(request, response)
      : void response.writeHead(302, { location: `${other.url}${request.url}` }).end(),
  );
  const source = await open(context, `${url}/`);
  const file = (await filesOf(source)).get('file');
  assert.ok(file);
  assert.equal(String(await readBytes(source, file)), 'file');
});
