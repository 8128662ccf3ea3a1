/**
 * A program of its own: an S3 server of one bucket, so quick that it is not what is measured. It answers what reading needs,
 * to everybody. Arguments: bytes of a large object, number of listed files. Prints its port.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import { document, type Listing, listPage } from './listing.js';
import { BUCKET, objectsOf, piecesOf } from './objects.js';
import { portOf } from './ports.js';

const [largeBytes = '', listed = ''] = process.argv.slice(2);
const sizes = objectsOf({ largeBytes: Number(largeBytes), listed: Number(listed) });
const modified = new Date('2026-01-02T03:04:05Z');
const listing: Listing = {
  keys: [...sizes.keys()],
  sizes,
  bucket: BUCKET,
  modified: modified.toISOString(),
  etag,
};

/** Too short to be taken for the MD5 of the contents, or of its parts. */
function etag(key: string): string {
  return `"${crc32(key).toString(16).padStart(16, '0')}"`;
}

/** What was handed to the system so far. */
const sent = { requests: 0, bytes: 0 };

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://server');
  if (url.pathname === '/-/sent') {
    response.end(JSON.stringify(sent));
    return;
  }
  sent.requests++;
  const [, bucket, ...names] = url.pathname.split('/');
  const key = names.map(decodeURIComponent).join('/');
  if (bucket !== BUCKET) refuse(response, 404, 'NoSuchBucket');
  else if (key === '') answerBucket(request, response, url.searchParams);
  else answerObject(request, response, key).catch(error => response.destroy(error));
}

function answerBucket({ method }: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  if (method === 'HEAD') return void response.end();
  response.setHeader('content-type', 'application/xml');
  response.end(query.has('location') ? document('LocationConstraint', '') : listPage(listing, query));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

async function answerObject(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
  const size = sizes.get(key);
  const { 'if-match': match, range = '' } = request.headers;
  if (size === undefined) return refuse(response, 404, 'NoSuchKey');
  if (match !== undefined && match !== etag(key)) return refuse(response, 412, 'PreconditionFailed');
  const part = /^bytes=(\d+)-(\d*)$/.exec(range);
  const start = Number(part?.[1] ?? 0);
  const end = part?.[2] ? Math.min(Number(part[2]) + 1, size) : size;
  if (start >= size) return refuse(response, 416, 'InvalidRange');
  response.writeHead(part ? 206 : 200, {
    etag: etag(key),
    'content-length': end - start,
    'content-type': 'application/octet-stream',
    'last-modified': modified.toUTCString(),
    'accept-ranges': 'bytes',
    ...(part ? { 'content-range': `bytes ${start}-${end - 1}/${size}` } : {}),
  });
  if (request.method !== 'HEAD') await send(response, key, start, end);
  response.end();
}

async function send(response: ServerResponse, key: string, start: number, end: number): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for (const piece of piecesOf(key, start, end)) {
    if (gone.signal.aborted) return;
    sent.bytes += piece.length;
    if (!response.write(piece)) await once(response, 'drain', { signal: gone.signal }).catch(() => {});
  }
}

const server = createServer({ keepAliveTimeout: 60_000 }, onRequest).listen(0, '127.0.0.1', 512);
await once(server, 'listening');
console.log(portOf(server));
