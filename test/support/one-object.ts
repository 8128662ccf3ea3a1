/** A bucket with one large object, of which every answer or none is damaged. */
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { contentsOf, MiB } from './caches.js';
import { startServer } from './file-server.js';

export const CONTENTS = contentsOf('film', 9 * MiB + 1);
export const MD5 = `"${createHash('md5').update(CONTENTS).digest('hex')}"`;

const listing = (tag: string) =>
  `<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>film</Key><Size>${CONTENTS.length}</Size>` +
  `<ETag>${tag}</ETag><LastModified>2024-05-01T10:00:00.000Z</LastModified></Contents></ListBucketResult>`;

export interface OneObject {
  url: string;
  isSound: boolean;
  isAway: boolean;
  /** What HEAD is answered, and how often it was asked. */
  onHead: 'answer' | 'refuse' | 'say nothing';
  heads: number;
}

export async function serveOneObject(context: TestContext, tag: string): Promise<OneObject> {
  const object: OneObject = { url: '', isSound: true, isAway: false, onHead: 'answer', heads: 0 };
  const { url } = await startServer(context, (request, response) => {
    if (object.isAway) return void response.socket?.destroy();
    if (request.method === 'HEAD') {
      object.heads++;
      if (object.onHead === 'refuse') return void response.writeHead(403).end();
      if (object.onHead === 'say nothing') return;
    }
    if (request.url?.includes('list-type')) return void response.end(listing(tag));
    const [, start = '0', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const body = Buffer.from(CONTENTS.subarray(Number(start), Number(last) + 1));
    if (!object.isSound) body[5] = (body[5] ?? 0) ^ 1;
    const length = last === '' ? CONTENTS.length : body.length;
    const range = last === '' ? {} : { 'content-range': `bytes ${start}-${last}/${CONTENTS.length}` };
    response.writeHead(last === '' ? 200 : 206, { etag: tag, 'content-length': length, ...range }).end(body);
  });
  return Object.assign(object, { url });
}
