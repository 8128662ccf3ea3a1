/**
 * Writes directory entries into a reply: struct fuse_dirent and fuse_direntplus of uapi linux/fuse.h, each
 * padded to eight bytes. An entry is written whole or not at all.
 */

import { DIRENT, DT_SHIFT, ENTRY_OUT, NAME_MAX } from './abi.js';
import type { Entry, Listing } from './handlers.js';
import { putEntry, putU64, type Reply, BODY as START } from './writer.js';

/** A listing that the session opens for each request and then asks for its size. */
export interface ReplyListing extends Listing {
  /** Starts an empty listing of at most `limit` bytes. */
  begin(limit: number, plus: boolean): void;
  /** Bytes written since `begin`. */
  size(): number;
}

export function createListing(reply: Reply): ReplyListing {
  let at: number = START;
  let end: number = START;
  let plus = false;

  /** The place of a record for this name, or -1 when it does not fit. */
  const room = (name: Uint8Array | string, length: number, head: number): number => {
    if (length === 0 || length > NAME_MAX) throw new RangeError(`a name of ${length} bytes: ${name}`);
    return at + head + align(DIRENT.name + length) <= end ? at + head : -1;
  };
  const append = (dirent: number, name: Uint8Array | string, length: number, ino: number, type: number) => {
    putName(reply, dirent + DIRENT.name, name, length);
    putU64(reply.view, dirent + DIRENT.ino, ino);
    reply.view.setUint32(dirent + DIRENT.namelen, length, true);
    reply.view.setUint32(dirent + DIRENT.type, type, true);
    at = dirent + align(DIRENT.name + length);
    return true;
  };

  return {
    get plus() {
      return plus;
    },
    begin(limit, wantsPlus) {
      at = START;
      end = Math.min(START + limit, reply.bytes.length);
      plus = wantsPlus;
    },
    size: () => at - START,
    add(name, entry: Entry, nextOffset) {
      const length = byteLength(name);
      const dirent = room(name, length, plus ? ENTRY_OUT.SIZE : 0);
      if (dirent === -1) return false;
      if (plus) putEntry(reply, at, entry);
      putU64(reply.view, dirent + DIRENT.off, nextOffset);
      return append(dirent, name, length, entry.ino, entry.mode >>> DT_SHIFT);
    },
    addName(name, ino, type, nextOffset) {
      const length = byteLength(name);
      const dirent = room(name, length, plus ? ENTRY_OUT.SIZE : 0);
      if (dirent === -1) return false;
      // Node id 0 tells the kernel that no attributes and no lookup come with this name.
      if (plus) reply.bytes.fill(0, at, dirent);
      putU64(reply.view, dirent + DIRENT.off, nextOffset);
      return append(dirent, name, length, ino, type);
    },
  };
}

function align(size: number): number {
  return (size + 7) & ~7;
}

function byteLength(name: Uint8Array | string): number {
  return typeof name === 'string' ? Buffer.byteLength(name) : name.length;
}

/** Writes the name and the zeros that pad its record. */
function putName({ bytes, view }: Reply, at: number, name: Uint8Array | string, length: number): void {
  // The padding lies in the record's last eight bytes, which the name then overwrites in part.
  const last = at - DIRENT.name + align(DIRENT.name + length) - 8;
  view.setUint32(last, 0, true);
  view.setUint32(last + 4, 0, true);
  if (typeof name !== 'string') bytes.set(name, at);
  else if (name.length === length) putAscii(bytes, at, name);
  else bytes.write(name, at, length, 'utf8');
}

/** As many bytes as characters means ASCII; for short names this loop is faster than a call out of JavaScript. */
function putAscii(bytes: Buffer, at: number, name: string): void {
  for (let i = 0; i < name.length; i += 1) bytes[at + i] = name.charCodeAt(i);
}
