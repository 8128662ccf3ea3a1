/**
 * Uses a cache in every way, at random and without an end, as long as every byte that it is served is right. Prints `started`.
 *
 *     node crash-process.js DIRECTORY SEED
 */
import assert from 'node:assert/strict';
import type { Cache } from '../../src/cache/cache.js';
import { FacetError } from '../../src/errors.js';
import { MiB, openCache, readRange } from '../support/caches.js';
import { seededPicks } from '../support/random.js';
import { type CrashFile, crashFiles, crashLimits } from './crash-files.js';

const [directory = '', seed = ''] = process.argv.slice(2);
const pick = seededPicks(Number(seed));
const cache = openCache(directory, crashLimits);
const files = crashFiles();

const uses: ((cache: Cache, file: CrashFile) => void)[] = [fill, fill, fill, fill, read, read, read, look];

/** Writes some of the contents in pieces, and ends that in any way. */
function fill(to: Cache, { key, size, bytes }: CrashFile): void {
  const writer = to.writer(key, size);
  try {
    const from = pick(4) === 0 ? pick(size) : 0;
    to.claim(key, { start: from, end: size }, 100);
    for (let at = from; at < size && pick(12) > 0; ) {
      const end = Math.min(at + 1 + pick(2 * MiB), size);
      writer.write(at, bytes.subarray(at, end));
      at = end;
      if (pick(4) === 0) writer.commit();
    }
    if (pick(5) > 0) writer.commit();
    if (pick(5) > 0) writer.complete().close();
  } finally {
    writer.close();
  }
}

function read(from: Cache, { key, size, bytes }: CrashFile): void {
  const handle = from.lookup(key, size);
  const [start, length] = [pick(size), pick(2 * MiB)];
  const found = handle && readRange(handle, start, Math.min(start + length, size));
  handle?.close();
  if (found) assert.ok(found.equals(bytes.subarray(start, start + found.length)), `wrong bytes of ${key}`);
}

/** What changes rows more than bytes. */
function look(at: Cache, { key }: CrashFile): void {
  const use = pick(8);
  if (use === 0) at.pin(key);
  else if (use < 4) for (const each of files) at.unpin(each.key);
  else if (use === 4) at.clear();
  else if (use < 7) at.evict({ maxSize: pick(crashLimits.maxSize) });
  else for (const _ of at.verify({ repair: true }));
}

function useOnce(): void {
  const [use, file] = [uses[pick(uses.length)], files[pick(files.length)]];
  try {
    if (use && file) use(cache, file);
  } catch (error) {
    const isExpected = error instanceof FacetError && ['no-space', 'failed'].includes(error.code);
    if (!isExpected) throw error;
  }
}

console.log('started');
for (;;) useOnce();
