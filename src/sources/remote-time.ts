/** Times of remote files, in which two versions differ even when they are of the same second. */
import { crc32 } from 'node:zlib';

const SECOND_US = 1_000_000;

/**
 * Microseconds since the epoch. Buckets and web servers tell whole seconds, and two versions of one size within one would look
 * alike to everything that knows files by size and time, the kernel's page cache among them. So the fraction of the second that
 * nobody tells is one that the version makes; the second itself is as it was told.
 */
export function distinctTime(mtimeUs: number, version: string | undefined): number {
  return version === undefined || mtimeUs % SECOND_US !== 0 ? mtimeUs : mtimeUs + (crc32(version) % SECOND_US);
}
