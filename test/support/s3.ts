/** Buckets of the tests' S3 server, filled by requests that the tests sign themselves. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { after } from 'node:test';
import { encodeSegment } from '../../src/sources/percent.js';
import { type Credentials, queryString, signedHeaders } from '../../src/sources/s3/signature.js';
import { s3Endpoint, s3Environment, stopOwnS3 } from './s3-process.js';

after(stopOwnS3);

const credentials: Credentials = {
  accessKeyId: s3Environment.AWS_ACCESS_KEY_ID,
  secretAccessKey: s3Environment.AWS_SECRET_ACCESS_KEY,
};

export interface Bucket {
  name: string;
  endpoint: string;
  put(key: string, contents: string | Buffer): Promise<void>;
  remove(key: string): Promise<void>;
  /** Once it is empty. */
  removeBucket(): Promise<void>;
}

let count = 0;

/** A new bucket, empty, and the keys to it in the environment. */
export async function makeBucket(): Promise<Bucket> {
  const endpoint = await s3Endpoint();
  Object.assign(process.env, s3Environment);
  const name = `test-${process.pid}-${Date.now()}-${count++}`;
  await send(endpoint, 'PUT', `/${name}`);
  const path = (key: string) => `/${name}/${key.split('/').map(encodeSegment).join('/')}`;
  return {
    name,
    endpoint,
    put: async (key, contents) => void (await send(endpoint, 'PUT', path(key), [], contents)),
    remove: async key => void (await send(endpoint, 'DELETE', path(key))),
    removeBucket: async () => void (await send(endpoint, 'DELETE', `/${name}`)),
  };
}

/** Sends one signed request. Resolves to the text and the headers of its answer. */
export async function send(
  endpoint: string,
  method: string,
  path: string,
  query: [string, string][] = [],
  body: string | Buffer = '',
) {
  const { host, hostname, port } = new URL(endpoint);
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const headers = signedHeaders(
    { method, host, path, query, headers: {}, bodyHash },
    { credentials, region: 'us-east-1', date: new Date() },
  );
  // Not with fetch, which tidies paths.
  const full = query.length === 0 ? path : `${path}?${queryString(query)}`;
  return new Promise<{ text: string; etag: string | undefined }>((resolve, reject) => {
    const sent = request({ hostname, port, method, path: full, headers, agent: false }, answer => {
      answer
        .setEncoding('utf8')
        .toArray()
        .then(pieces => {
          assert.ok(
            (answer.statusCode ?? 0) < 300,
            `${method} ${full}: ${answer.statusCode} ${pieces.join('')}`,
          );
          resolve({ text: pieces.join(''), etag: answer.headers.etag });
        })
        .catch(reject);
    });
    sent.on('error', reject).end(body);
  });
}
