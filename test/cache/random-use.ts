/** A cache used in every way, at random, and what whoever looks at it afterwards expects there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Cache } from '../../src/cache/cache.js';
import { FacetError } from '../../src/errors.js';
import { contentsOf, MiB, readRange } from '../support/caches.js';

export interface SomeFile {
  key: string;
  size: number;
  bytes: Buffer;
}

/** They do not all fit. */
export const tightLimits = { maxSize: 12 * MiB, blockThreshold: 2 * MiB };

const SIZES = [0, 1, 5_000, 700_000, 1_500_000, 2 * MiB - 1, 2 * MiB, 3_333_333, 5 * MiB, 7_000_001];

export function someFiles(): SomeFile[] {
  return SIZES.map(size => ({ key: `file of ${size}`, size, bytes: contentsOf(`file of ${size}`, size) }));
}

export type Pick = (below: number) => number;

const uses: ((cache: Cache, file: SomeFile, pick: Pick) => Promise<void> | void)[] = [
  fill,
  fill,
  fill,
  fill,
  read,
  read,
  read,
  look,
];

/** Writes some of the contents in pieces, and ends that in any way. */
async function fill(to: Cache, { key, size, bytes }: SomeFile, pick: Pick): Promise<void> {
  const writer = to.writer(key, size);
  try {
    const from = pick(4) === 0 ? pick(size) : 0;
    for (let at = from; at < size && pick(12) > 0; ) {
      const end = Math.min(at + 1 + pick(2 * MiB), size);
      await writer.write(at, bytes.subarray(at, end));
      at = end;
      if (pick(4) === 0) await writer.commit();
    }
    if (pick(5) > 0) await writer.commit();
    if (pick(5) > 0) (await writer.complete()).close();
  } finally {
    writer.close();
  }
}

function read(from: Cache, { key, size, bytes }: SomeFile, pick: Pick): void {
  const handle = from.lookup(key, size);
  const [start, length] = [pick(size), pick(2 * MiB)];
  const found = handle && readRange(handle, start, Math.min(start + length, size));
  handle?.close();
  if (found) assert.ok(found.equals(bytes.subarray(start, start + found.length)), `wrong bytes of ${key}`);
}

/** What changes rows more than bytes. */
function look(at: Cache, { key }: SomeFile, pick: Pick): void {
  const use = pick(8);
  if (use === 0) at.pin([key]);
  else if (use < 4) for (const each of files) at.unpin([each.key]);
  else if (use === 4) at.clear();
  else if (use < 7) at.evict({ maxSize: pick(tightLimits.maxSize) });
  else for (const _ of at.verify({ repair: true }));
}

const files = someFiles();

/** One use, of one file. Fails when it is served a wrong byte. */
export async function useOnce(cache: Cache, pick: Pick): Promise<void> {
  const [use, file] = [uses[pick(uses.length)], files[pick(files.length)]];
  try {
    if (use && file) await use(cache, file, pick);
  } catch (error) {
    const isExpected = error instanceof FacetError && ['no-space', 'failed'].includes(error.code);
    if (!isExpected) throw error;
  }
}

/** Reads every block that is there, and whole contents as the kernel would. Returns how many blocks were read. */
export function assertRight(cache: Cache): number {
  let blocks = 0;
  for (const { key, size, bytes } of files) {
    const handle = cache.lookup(key, size);
    const descriptor = handle?.descriptor();
    if (descriptor !== undefined) assert.ok(readFileSync(descriptor).equals(bytes), `the file of ${key}`);
    for (let start = 0; handle && start < size; start += MiB) {
      const end = Math.min(start + MiB, size);
      const isThere = handle.missing(start, end).length === 0;
      const found = readRange(handle, start, end);
      assert.equal(found !== undefined, isThere, `${key} at ${start}`);
      if (found) assert.ok(found.equals(bytes.subarray(start, end)), `${key} at ${start}`);
      if (found) blocks++;
    }
    handle?.close();
  }
  return blocks;
}
