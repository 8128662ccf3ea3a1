/**
 * The S3 interface of OpenStack Swift, with the files of the listing in it: a server as others run it. It is too slow for
 * contents to be measured through it, and has none of the large objects.
 */
import { createHash } from 'node:crypto';
import { Pool } from 'undici';
import { type Credentials, signedHeaders } from '../../../src/sources/s3/signature.js';
import { s3Endpoint, s3Environment, stopOwnS3 } from '../../support/s3-process.js';
import { BUCKET, listedOf, piecesOf } from './objects.js';
import { type Lines, openLines } from './servers.js';

const credentials: Credentials = {
  accessKeyId: s3Environment.AWS_ACCESS_KEY_ID,
  secretAccessKey: s3Environment.AWS_SECRET_ACCESS_KEY,
};
const UPLOADS = 8;

/** Needs the programs of Swift, and minutes for many files. */
export async function startSwift(listed: number, delaysMs: readonly number[]): Promise<Lines> {
  const endpoint = await startFilled(listed);
  return openLines({ port: Number(new URL(endpoint).port), close: async () => stopOwnS3() }, delaysMs);
}

async function startFilled(listed: number): Promise<string> {
  try {
    const endpoint = await s3Endpoint();
    await fill(endpoint, listed);
    return endpoint;
  } catch (error) {
    stopOwnS3();
    throw error;
  }
}

async function fill(endpoint: string, listed: number): Promise<void> {
  const pool = new Pool(endpoint, { connections: UPLOADS });
  await put(pool, endpoint, `/${BUCKET}`, Buffer.alloc(0));
  const left = listedOf(listed)[Symbol.iterator]();
  const work = async () => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const [key, size] = next.value;
      await put(pool, endpoint, `/${BUCKET}/${key}`, Buffer.concat([...piecesOf(key, 0, size)]));
    }
  };
  await Promise.all(Array.from({ length: UPLOADS }, work)).finally(() => pool.close());
}

async function put(pool: Pool, endpoint: string, path: string, body: Buffer): Promise<void> {
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const headers = signedHeaders(
    { method: 'PUT', host: new URL(endpoint).host, path, query: [], headers: {}, bodyHash },
    { credentials, region: 'us-east-1', date: new Date() },
  );
  const answer = await pool.request({ path, method: 'PUT', headers, body });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`PUT ${path}: ${answer.statusCode} ${text}`);
}
