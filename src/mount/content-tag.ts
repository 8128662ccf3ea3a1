/**
 * The number that tells two versions of a file's contents apart in the kernel. It is part of the node id, so each version
 * is an inode of its own to the kernel, with its own page cache and its own backing file: bytes of two versions cannot
 * mix, and whoever has the old version open reads it to its end. The inode number that users see stays the same.
 */

const BITS = 24;

/**
 * 24 bits that depend on all of size, time and version; 0 for what has no contents (directories, links). Only remote files
 * have a version, and their times are often whole seconds.
 */
export function contentTag(size: number, mtimeUs: number, version: string | null = null): number {
  // Both halves of both numbers, stirred with the constants of MurmurHash3's finaliser.
  let hash = Math.imul(size | 0, 0x85ebca6b) ^ Math.imul((size / 2 ** 32) | 0, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) ^ Math.imul(mtimeUs | 0, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) ^ Math.imul((mtimeUs / 2 ** 32) | 0, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  for (let at = 0; at < (version?.length ?? 0); at++) {
    hash = Math.imul(hash ^ (version?.charCodeAt(at) ?? 0), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return (hash ^ (hash >>> 13)) >>> (32 - BITS);
}
