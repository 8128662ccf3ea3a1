/** Caches on real disks, and contents to put into them. */
import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Cache } from '../../src/cache/cache.js';
import type { CacheAccess } from '../../src/cache/database.js';
import type { BlobHandle } from '../../src/cache/handle.js';
import type { Limits } from '../../src/cache/space.js';
import type { Problem } from '../../src/cache/verify.js';

export const MiB = 1 << 20;

/** What is set aside for a MiB: the file system may need a page to say where its pages are. */
export const ROOM = MiB + 4096;

/** Small enough that a few files of a few blocks meet every limit. */
export const roomy: Limits = { maxSize: 1 << 30, minFree: 0, maxAge: 1e12, blockThreshold: 3 * MiB };

export function openCache(directory: string, limits: Partial<Limits> = {}, access?: CacheAccess): Cache {
  return Cache.open(directory, { ...roomy, ...limits }, access);
}

/** What the contents of a key are: noise that is the same in every run and process. */
export function contentsOf(key: string, size: number): Buffer {
  const secret = createHash('md5').update(key).digest();
  return createCipheriv('aes-128-ctr', secret, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Fetches all of it, as if from its source. */
export async function put(
  cache: Cache,
  key: string,
  size: number,
  bytes = contentsOf(key, size),
): Promise<void> {
  const writer = cache.writer(key, size);
  try {
    writer.reserve(0, size);
    await writer.write(0, bytes);
    (await writer.complete()).close();
  } finally {
    writer.close();
  }
}

/** What a handle has of `[start, end)`; undefined when it lacks some. */
export function readRange(handle: BlobHandle, start = 0, end = handle.size): Buffer | undefined {
  const target = Buffer.alloc(Math.max(end - start, 0));
  const count = handle.read(target, 0, target.length, start);
  return count === undefined ? undefined : target.subarray(0, count);
}

/** What the cache has of a key, in full. */
export function get(cache: Cache, key: string, size: number): Buffer | undefined {
  const handle = cache.lookup(key, size);
  try {
    return handle && readRange(handle);
  } finally {
    handle?.close();
  }
}

export function problemsOf(cache: Cache, repair = false): Problem[] {
  return [...cache.verify({ repair })].flatMap(({ problems }) => problems);
}

export function assertClean(cache: Cache): void {
  assert.deepEqual(problemsOf(cache), []);
}

export function keysIn(cache: Cache): string[] {
  return [...cache.list()].map(({ key }) => key);
}

/** The files of a cache besides its index, below `directory`. */
export function blobFilesIn(directory: string): string[] {
  return ['blobs', 'tmp'].flatMap(folder =>
    readdirSync(join(directory, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name)),
  );
}

/** The bytes that the disk has given out for contents. Others may remove files meanwhile. */
export function bytesOnDisk(directory: string): number {
  return blobFilesIn(directory).reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512,
    0,
  );
}

/** The files of blobs that this process has open. */
export function openBelow(folder: string): string[] {
  return openFiles().filter(path => path.startsWith(join(folder, 'blobs')));
}

/** What this process has open; of removed files the system says so behind their names. */
export function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The descriptor with which the folder is listed.
      return [];
    }
  });
}
