/** The server that rclone is for a source: when it runs, who can talk to it, and what is wrong when there is none. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openRemote } from '../../../src/sources/open-remote.js';
import { fails, filesOf, noise, readBytes } from '../../contract/remote-source.js';
import { startServer } from '../../support/file-server.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';

interface Process {
  id: number;
  args: string[];
  environment: string[];
}

/** The servers of rclone that a process has started. */
function servers(of = process.pid): Process[] {
  return readdirSync('/proc').flatMap(id => {
    try {
      const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1];
      const args = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
      if (Number(parent) !== of || !args.includes('rcd')) return [];
      return [{ id: Number(id), args, environment: readFileSync(`/proc/${id}/environ`, 'utf8').split('\0') }];
    } catch {
      return [];
    }
  });
}

async function open(context: TestContext) {
  const folder = temporaryFolder(context);
  const config = join(temporaryFolder(context), 'rclone.conf');
  writeFileSync(config, `[test]\ntype = alias\nremote = ${folder}\n`);
  process.env.RCLONE_CONFIG = config;
  writeFile(folder, 'file', noise(100_000));
  const retry = { attempts: 3, firstWaitMs: 1, longestWaitMs: 1 };
  const source = await openRemote('rclone:test:', {}, { retry });
  context.after(() => source.close());
  const file = (await filesOf(source)).get('file');
  assert.ok(file);
  return { source, folder, file };
}

test('one server is started by the first read, keeps its password to itself, and ends with the source', async context => {
  const { source, file } = await open(context);
  assert.deepEqual(servers(), []);
  await Promise.all(Array.from({ length: 10 }, () => readBytes(source, file)));
  const [server, ...others] = servers();
  assert.ok(server);
  assert.deepEqual(others, []);
  const value = (name: string) =>
    server.environment.find(each => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const [address, password] = [value('RCLONE_RC_ADDR'), value('RCLONE_RC_PASS')];
  assert.ok(password.length >= 32);
  assert.ok(!server.args.join(' ').includes(password));
  assert.match(address, /^127\.0\.0\.1:/);
  for (const path of ['[test:]/file', 'operations/stat?fs=test:&remote=file']) {
    const answer = await fetch(`http://${address}/${path}`, {
      method: path.startsWith('[') ? 'GET' : 'POST',
    });
    assert.equal(answer.status, 401, path);
  }
  await source.close();
  assert.deepEqual(servers(), []);
});

const dav = (href: string, rest: string) =>
  `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${rest}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;

const SMALL = noise(1000);

/** A server of WebDAV with one file, as a source; the file has these properties besides its size. */
async function openDav(context: TestContext, properties: string) {
  const state = { status: 207, requests: 0 };
  const file = dav('/file', `<D:getcontentlength>${SMALL.length}</D:getcontentlength>${properties}`);
  const folder = dav('/', '<D:resourcetype><D:collection/></D:resourcetype>');
  const { url } = await startServer(context, (request, response) => {
    state.requests++;
    if (state.status === 207 && request.method === 'GET') return void response.end(SMALL);
    if (state.status !== 207) return void response.writeHead(state.status).end();
    response.writeHead(207, { 'content-type': 'application/xml' });
    response.end(`<D:multistatus xmlns:D="DAV:">${request.url === '/' ? folder : ''}${file}</D:multistatus>`);
  });
  const remote = { RCLONE_CONFIG_DAV_TYPE: 'webdav', RCLONE_CONFIG_DAV_URL: url };
  Object.assign(process.env, remote);
  const retry = { attempts: 3, firstWaitMs: 1, longestWaitMs: 1 };
  const source = await openRemote('rclone:dav:', {}, { retry });
  context.after(async () => {
    await source.close();
    for (const name of Object.keys(remote)) delete process.env[name];
  });
  const found = (await filesOf(source)).get('file') ?? assert.fail();
  return { source, file: found, state, retry };
}

test('a remote that went down is asked once in each attempt', async context => {
  const time = '<D:getlastmodified>Wed, 01 May 2024 10:00:00 GMT</D:getlastmodified>';
  const { source, file, state, retry } = await openDav(context, time);
  Object.assign(state, { status: 503, requests: 0 });
  await assert.rejects(readBytes(source, file), fails('unreachable', /rclone answers/));
  assert.equal(state.requests, retry.attempts);
});

test('a password that is refused is no server that is away', async context => {
  const { source, state } = await openDav(context, '');
  state.status = 401;
  await assert.rejects(filesOf(source), fails('denied', /401/));
});

test('a file whose remote does not tell its time is a file', async context => {
  const { source, file } = await openDav(context, '');
  assert.deepEqual([file.size, file.mtimeUs], [SMALL.length, 0]);
  assert.ok((await readBytes(source, file)).equals(SMALL));
});

test('a server that was killed is followed by another', async context => {
  const { source, file } = await open(context);
  await readBytes(source, file);
  const [server] = servers();
  assert.ok(server);
  process.kill(server.id, 'SIGKILL');
  assert.ok((await readBytes(source, file)).equals(noise(100_000)));
});

test('of a file that is written to while it is read nothing new is told', async context => {
  const { source, folder } = await open(context);
  const [before, after] = [Buffer.alloc(60_000_000, 'a'), Buffer.alloc(60_000_000, 'b')];
  writeFile(folder, 'large', before);
  const file = (await filesOf(source)).get('large');
  assert.ok(file);
  const request = { start: 0, end: file.size, ...file, signal: new AbortController().signal };
  let told = 0;
  await assert.rejects(async () => {
    for await (const piece of source.read(file, request)) {
      if (told === 0) writeFileSync(join(folder, 'large'), after, { flag: 'r+' });
      assert.ok(before.subarray(0, piece.length).equals(piece), `at ${told}`);
      told += piece.length;
    }
  }, fails('content-changed'));
  assert.ok(told > 0);
});

test('a remote that is not there, a folder that is not there, and no rclone', async context => {
  await open(context);
  for (const uri of ['rclone:unknown:', 'rclone:test:missing']) {
    const source = await openRemote(uri);
    context.after(() => source.close());
    await assert.rejects(filesOf(source), fails('not-found', /rclone listremotes/), uri);
  }
  const { PATH } = process.env;
  process.env.PATH = '/nowhere';
  try {
    const source = await openRemote('rclone:test:');
    await assert.rejects(filesOf(source), fails('unreachable', /install/));
    const place = { path: 'file', key: undefined, size: 1, version: undefined };
    await assert.rejects(readBytes(source, place), fails('unreachable', /install/));
    await source.close();
  } finally {
    process.env.PATH = PATH;
  }
});

test('a remote that does not answer is told by its own name', async context => {
  await open(context);
  const { url } = await startServer(context, () => {});
  process.env.RCLONE_CONFIG_SILENT_TYPE = 'http';
  process.env.RCLONE_CONFIG_SILENT_URL = url;
  const timeouts = { connectMs: 1000, idleMs: 500, firstIdleMs: 500 };
  const source = await openRemote('rclone:silent:', {}, { timeouts });
  context.after(() => source.close());
  const place = { path: 'file', key: undefined, size: 1, version: undefined };
  const message = /^cannot reach silent through rclone: it accepts a request and does not answer;/;
  await assert.rejects(readBytes(source, place), fails('unreachable', message));
});

test('a server ends with a process that is killed', async context => {
  const { file } = await open(context);
  const script = `const { openRemote } = await import(${JSON.stringify(new URL('../../../src/sources/open-remote.js', import.meta.url).href)});
    const source = await openRemote('rclone:test:');
    const signal = new AbortController().signal;
    const request = { start: 0, end: ${file.size}, size: ${file.size}, version: undefined, signal };
    for await (const piece of source.read({ path: 'file', key: undefined }, request));
    console.log('read');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  assert.equal(String(await once(child.stdout, 'data')), 'read\n');
  assert.equal(servers(child.pid).length, 1);
  const [server] = servers(child.pid);
  child.kill('SIGKILL');
  await once(child, 'close');
  for (const end = Date.now() + 10_000; isRunning(server?.id ?? 0) && Date.now() < end; )
    await setTimeout(20);
  assert.ok(!isRunning(server?.id ?? 0));
});

function isRunning(id: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${id}/status`, 'utf8'));
  } catch {
    return false;
  }
}
