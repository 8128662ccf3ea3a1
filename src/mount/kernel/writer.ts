/**
 * From answers to bytes: each `put…` function writes one struct of uapi linux/fuse.h at a place in a reply
 * buffer and returns its size; `seal` puts the header in front. Also `sendData` and `sendError`, with which a
 * thread other than the FUSE thread answers a deferred request.
 */

import fs from 'node:fs';
import { systemErrorCode } from '../../errors.js';
import {
  ATTR,
  ATTR_OUT,
  ENTRY_OUT,
  ERRNO,
  GETXATTR_OUT,
  LARGEST_ERRNO,
  LSEEK_OUT,
  NAME_MAX,
  OPEN_OUT,
  OUT_HEADER,
  STATFS_OUT,
} from './abi.js';
import type { Entry, FileSystemStatus, Opened } from './handlers.js';
import { viewOf } from './reader.js';

/** A buffer for one reply: the header at 0, the answer at `BODY`. */
export interface Reply {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Where the answer starts. */
export const BODY = OUT_HEADER.SIZE;

export function createReply(bodyCapacity: number): Reply {
  const bytes = Buffer.alloc(BODY + bodyCapacity);
  return { bytes, view: viewOf(bytes) };
}

/** Writes a Number as a 64-bit integer, negative ones in two's complement. */
export function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Joins inode number (40 bits) and content tag (24 bits) to a node id. */
export function putNode(view: DataView, at: number, ino: number, tag: number): void {
  view.setUint32(at, ino, true);
  view.setUint32(at + 4, ((tag << 8) | Math.floor(ino / 2 ** 32)) >>> 0, true);
}

/** Writes the header of a reply with `size` bytes of answer and returns the length of the whole message. */
export function seal(reply: Reply, size: number, uniqueLow: number, uniqueHigh: number): number {
  return putHeader(reply, BODY + size, 0, uniqueLow, uniqueHigh);
}

/** Writes the reply that carries an errno (1 … 511; anything else becomes EIO) and nothing more. */
export function sealError(reply: Reply, errno: number, uniqueLow: number, uniqueHigh: number): number {
  return putHeader(reply, BODY, -plausibleErrno(errno), uniqueLow, uniqueHigh);
}

function putHeader({ view }: Reply, length: number, error: number, low: number, high: number): number {
  view.setUint32(OUT_HEADER.len, length, true);
  view.setInt32(OUT_HEADER.error, error, true);
  view.setUint32(OUT_HEADER.unique, low, true);
  view.setUint32(OUT_HEADER.unique + 4, high, true);
  return length;
}

export function plausibleErrno(errno: number): number {
  return Number.isInteger(errno) && errno > 0 && errno <= LARGEST_ERRNO ? errno : ERRNO.EIO;
}

/** struct fuse_entry_out. An entry with inode 0 is a negative answer. */
export function putEntry({ view }: Reply, at: number, entry: Entry): number {
  putNode(view, at + ENTRY_OUT.nodeid, entry.ino, entry.ino === 0 ? 0 : entry.tag);
  putU64(view, at + ENTRY_OUT.generation, entry.generation);
  putTimeout(view, at + ENTRY_OUT.entry_valid, at + ENTRY_OUT.entry_valid_nsec, entry.entryTimeoutMs);
  putTimeout(view, at + ENTRY_OUT.attr_valid, at + ENTRY_OUT.attr_valid_nsec, entry.attrTimeoutMs);
  putAttributes(view, at + ENTRY_OUT.attr, entry);
  return ENTRY_OUT.SIZE;
}

/** struct fuse_attr_out */
export function putAttr({ view }: Reply, at: number, entry: Entry): number {
  putTimeout(view, at + ATTR_OUT.attr_valid, at + ATTR_OUT.attr_valid_nsec, entry.attrTimeoutMs);
  view.setUint32(at + ATTR_OUT.dummy, 0, true);
  putAttributes(view, at + ATTR_OUT.attr, entry);
  return ATTR_OUT.SIZE;
}

function putAttributes(view: DataView, at: number, entry: Entry): void {
  putU64(view, at + ATTR.ino, entry.ino);
  putU64(view, at + ATTR.size, entry.size);
  putU64(view, at + ATTR.blocks, entry.blocks);
  putTime(view, at + ATTR.atime, at + ATTR.atimensec, entry.atimeUs);
  putTime(view, at + ATTR.mtime, at + ATTR.mtimensec, entry.mtimeUs);
  putTime(view, at + ATTR.ctime, at + ATTR.ctimensec, entry.ctimeUs);
  view.setUint32(at + ATTR.mode, entry.mode, true);
  view.setUint32(at + ATTR.nlink, entry.nlink, true);
  view.setUint32(at + ATTR.uid, entry.uid, true);
  view.setUint32(at + ATTR.gid, entry.gid, true);
  view.setUint32(at + ATTR.rdev, entry.rdev, true);
  view.setUint32(at + ATTR.blksize, entry.blockSize, true);
  view.setUint32(at + ATTR.flags, 0, true);
}

/** Seconds rounded down, and the rest in nanoseconds, so that times before 1970 are exact too. */
function putTime(view: DataView, secondsAt: number, nanosecondsAt: number, us: number): void {
  let seconds = Math.floor(us / 1e6);
  // The quotient of a large multiple of 1e6 minus one may round up to the next second.
  if (seconds * 1e6 > us) seconds -= 1;
  putU64(view, secondsAt, seconds);
  view.setUint32(nanosecondsAt, (us - seconds * 1e6) * 1000, true);
}

/** Thirty years: longer ones are the same to the kernel, and Infinity becomes a number. */
const LONGEST_TIMEOUT_MS = 1e12;

function putTimeout(view: DataView, secondsAt: number, nanosecondsAt: number, ms: number): void {
  const bounded = Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS);
  const seconds = Math.floor(bounded / 1000);
  putU64(view, secondsAt, seconds);
  view.setUint32(nanosecondsAt, (bounded - seconds * 1000) * 1e6, true);
}

/** struct fuse_open_out */
export function putOpened({ view }: Reply, at: number, opened: Opened): number {
  putU64(view, at + OPEN_OUT.fh, opened.handle);
  view.setUint32(at + OPEN_OUT.open_flags, opened.flags, true);
  view.setInt32(at + OPEN_OUT.backing_id, opened.backingId, true);
  return OPEN_OUT.SIZE;
}

/** struct fuse_statfs_out */
export function putStatus({ bytes, view }: Reply, at: number, status: FileSystemStatus): number {
  bytes.fill(0, at, at + STATFS_OUT.SIZE);
  putU64(view, at + STATFS_OUT.blocks, status.blocks);
  putU64(view, at + STATFS_OUT.bfree, status.freeBlocks);
  putU64(view, at + STATFS_OUT.bavail, status.availableBlocks);
  putU64(view, at + STATFS_OUT.files, status.files);
  putU64(view, at + STATFS_OUT.ffree, status.freeFiles);
  view.setUint32(at + STATFS_OUT.bsize, status.blockSize, true);
  view.setUint32(at + STATFS_OUT.namelen, NAME_MAX, true);
  view.setUint32(at + STATFS_OUT.frsize, status.blockSize, true);
  return STATFS_OUT.SIZE;
}

/** struct fuse_getxattr_out: how many bytes a value has. */
export function putXattrSize({ view }: Reply, at: number, size: number): number {
  view.setUint32(at + GETXATTR_OUT.size, size, true);
  view.setUint32(at + GETXATTR_OUT.size + 4, 0, true);
  return GETXATTR_OUT.SIZE;
}

/** struct fuse_lseek_out */
export function putOffset({ view }: Reply, at: number, offset: number): number {
  putU64(view, at, offset);
  return LSEEK_OUT.SIZE;
}

export function putBytes({ bytes }: Reply, at: number, data: Uint8Array): number {
  bytes.set(data, at);
  return data.length;
}

/**
 * Answers a deferred request with data, from any thread. False: the request was interrupted and nobody waits.
 * Throws the system error ENODEV once the file system is unmounted.
 */
export function sendData(device: number, uniqueLow: number, uniqueHigh: number, data: Uint8Array): boolean {
  const header = createReply(0);
  seal(header, data.length, uniqueLow, uniqueHigh);
  return transmit(() => fs.writevSync(device, [header.bytes, data]));
}

/** Answers a deferred request with an errno (positive), from any thread. Returns and throws as `sendData`. */
export function sendError(device: number, uniqueLow: number, uniqueHigh: number, errno: number): boolean {
  const header = createReply(0);
  sealError(header, errno, uniqueLow, uniqueHigh);
  return transmit(() => fs.writeSync(device, header.bytes));
}

/** Runs one write to the device; ENOENT means that the kernel does not know the request any more. */
export function transmit(write: () => number): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
