/**
 * A program of its own, the yardstick: plain ranged requests with undici, and nothing else; the bytes are dropped, or
 * written to a file.
 */
import { openSync, writeSync } from 'node:fs';
import { Pool } from 'undici';
import { BUCKET, checkBytes } from './objects.js';
import type { Piece } from './plans.js';
import { type ReadingOrder, runReading } from './reading.js';

const CHECKED = 4096;

await runReading(async (pieces: Iterable<Piece>, { from, parallel, to }: ReadingOrder) => {
  const pool = new Pool(from, { connections: parallel });
  const file = to === undefined ? undefined : openSync(to, 'w');
  const left = pieces[Symbol.iterator]();
  let bytes = 0;
  const work = async () => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const count = await get(pool, next.value, file);
      bytes += count;
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  await pool.close();
  return bytes;
});

async function get(pool: Pool, { key, offset, size }: Piece, file: number | undefined): Promise<number> {
  const headers = { range: `bytes=${offset}-${offset + size - 1}` };
  const { body } = await pool.request({ path: `/${BUCKET}/${key}`, method: 'GET', headers });
  let at = 0;
  for await (const chunk of body) {
    if (at === 0) checkBytes(key, offset, chunk.subarray(0, CHECKED));
    if (file !== undefined) writeSync(file, chunk, 0, chunk.length, offset + at);
    at += chunk.length;
  }
  if (at !== size) throw new Error(`${key}: ${at} bytes at ${offset} instead of ${size}`);
  return at;
}
