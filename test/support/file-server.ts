/** A web server in this process that serves a folder: with indexes, ranges and conditions, or less, as real ones do. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { decodeBytes, encodeSegment } from '../../src/sources/percent.js';

export interface Manners {
  index: 'html' | 'nginx-json' | 'caddy-json';
  ranges: boolean;
  tags: 'strong' | 'weak' | 'nginx' | 'none';
  /** Of answers with 200 that a proxy passes on. */
  lengths: boolean;
}

export const goodManners: Manners = { index: 'html', ranges: true, tags: 'strong', lengths: true };

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts a server; resolves to its address. It ends with the test, with every connection. */
export async function startServer(
  context: TestContext,
  handler: Handler,
): Promise<{ url: string; server: Server }> {
  const server = createServer(handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** Serves a folder's files. */
export function serveFolder(folder: string, manners: Manners = goodManners): Handler {
  return (request, response) => {
    const path = decodeBytes((request.url ?? '').replace(/\?.*/, '')).toString();
    const file = join(folder, path);
    if (!existsSync(file)) return void response.writeHead(404).end('nothing there');
    if (!statSync(file).isDirectory()) return sendFile(file, request, response, manners);
    if (!path.endsWith('/')) return void response.writeHead(301, { location: `${encodeURI(path)}/` }).end();
    const [type, body] =
      manners.index === 'html' ? ['text/html', html(file)] : ['application/json', json(file, manners)];
    response.writeHead(200, { 'content-type': type }).end(body);
  };
}

function html(folder: string): string {
  const links = readdirSync(folder, { withFileTypes: true }).map(entry => {
    const slash = entry.isDirectory() ? '/' : '';
    return `<a href="${encodeSegment(entry.name)}${slash}">${entry.name.replace(/[&<>]/g, '.')}${slash}</a>  01-Jan-2020 10:00  1.5K`;
  });
  const sorting =
    '<a href="?C=N;O=D">Name</a> <a href="../">Parent</a> <a href="/">Top</a> <a href="http://elsewhere/x">x</a>';
  return `<html><body><h1>Index</h1>${sorting}<pre>${links.join('\n')}</pre></body></html>`;
}

function json(folder: string, { index }: Manners): string {
  const entries = readdirSync(folder, { withFileTypes: true }).map(entry => {
    const { size, mtime } = statSync(join(folder, entry.name));
    const directory = entry.isDirectory();
    if (index === 'caddy-json') {
      const name = directory ? `${entry.name}/` : entry.name;
      return {
        name,
        size,
        url: `./${encodeSegment(entry.name)}`,
        mod_time: mtime.toISOString(),
        is_dir: directory,
      };
    }
    const file = { name: entry.name, type: directory ? 'directory' : 'file', mtime: mtime.toUTCString() };
    return directory ? file : { ...file, size };
  });
  return JSON.stringify(entries);
}

function tagOf(file: string, contents: Buffer, { tags }: Manners): string | undefined {
  const hash = createHash('md5').update(contents).digest('hex');
  const seconds = Math.floor(statSync(file).mtimeMs / 1000);
  const nginx = `"${seconds.toString(16)}-${contents.length.toString(16)}"`;
  return { strong: `"${hash}"`, weak: `W/"${hash}"`, nginx, none: undefined }[tags];
}

function sendFile(file: string, request: IncomingMessage, response: ServerResponse, manners: Manners): void {
  const contents = readFileSync(file);
  const tag = tagOf(file, contents, manners);
  const modified = statSync(file).mtime.toUTCString();
  response.setHeader('last-modified', modified);
  if (tag !== undefined) response.setHeader('etag', tag);
  const { range, 'if-match': match, 'if-unmodified-since': since } = request.headers;
  if (match !== undefined && (match !== tag || match.startsWith('W/')))
    return void response.writeHead(412).end();
  if (since !== undefined && Date.parse(modified) > Date.parse(String(since)))
    return void response.writeHead(412).end();
  const head = request.method === 'HEAD';
  const part = manners.ranges ? /^bytes=(\d+)-(\d+)$/.exec(range ?? '') : null;
  if (part === null) {
    if (manners.lengths || head) response.setHeader('content-length', contents.length);
    return void response.writeHead(200).end(head ? undefined : contents);
  }
  const [start, end] = [Number(part[1]), Math.min(Number(part[2]) + 1, contents.length)];
  if (start >= contents.length)
    return void response.writeHead(416, { 'content-range': `bytes */${contents.length}` }).end();
  response.setHeader('content-range', `bytes ${start}-${end - 1}/${contents.length}`);
  response.writeHead(206, { 'content-length': end - start }).end(contents.subarray(start, end));
}
