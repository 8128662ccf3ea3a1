/**
 * What a file system must answer, in plain numbers: the contract between the protocol and whatever stands
 * behind it. Types only, and the constructors of the reused answer structs.
 *
 * Every method is synchronous and runs in the FUSE thread. It returns 0 (or a count) for success, a negative
 * errno for a failure, or `DEFERRED`: then the reply is written by somebody else, with `sendData` or `sendError`
 * of writer.ts and the request's two unique halves. A method that throws is answered with the errno of the
 * system error, EIO for any other. Optional methods that are missing are answered ENOSYS, and the kernel does
 * not ask again. Buffers and the request itself are reused: nothing of them may be kept after the return.
 */

import type { FuseRequest } from './reader.js';

/** "Somebody else answers this request." Outside the range of errnos. */
export const DEFERRED = -4096;

/** A file's attributes and, for entries, the node it is. One reused struct, filled anew by each answer. */
export interface Entry {
  /** Inode number, below 2^40; shown as st_ino. 0 in a lookup's answer: the name does not exist. */
  ino: number;
  /** Content tag, below 2^24. Node id = tag · 2^40 + ino; the kernel keeps one page cache per node id. */
  tag: number;
  /** For one node id, differs when the inode is used for another file (NFS handles). */
  generation: number;
  /** How long the kernel may believe that the name means this node, or does not exist. */
  entryTimeoutMs: number;
  /** How long the kernel may believe the attributes. */
  attrTimeoutMs: number;
  /** File type and permissions, as in st_mode. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  /** Bytes. */
  size: number;
  /** Units of 512 bytes. */
  blocks: number;
  /** st_blksize: preferred size of a read. */
  blockSize: number;
  /** Integer microseconds since 1970; may be negative. */
  atimeUs: number;
  mtimeUs: number;
  ctimeUs: number;
}

/** Answer to open and opendir. Reset to zeros before each call. */
export interface Opened {
  /** What later requests name the open file by; below 2^53. */
  handle: number;
  /** FOPEN bits of abi.ts. */
  flags: number;
  /** With FOPEN.PASSTHROUGH: an id from `openBacking`. */
  backingId: number;
}

/** Answer to statfs. Counts of blocks are in units of `blockSize` bytes. */
export interface FileSystemStatus {
  blockSize: number;
  blocks: number;
  freeBlocks: number;
  availableBlocks: number;
  files: number;
  freeFiles: number;
}

/** Takes the entries of one READDIR or READDIRPLUS. */
export interface Listing {
  /** Whether attributes are wanted; `add` reads only `ino` and `mode` when not. */
  readonly plus: boolean;
  /**
   * Appends an entry; `nextOffset` is the offset at which a later request goes on behind it (1 … 2^53-1).
   * False: no room, the entry was not taken and nothing more fits. With `plus`, each entry taken except
   * "." and ".." counts as one lookup of its node.
   */
  add(name: Uint8Array | string, entry: Entry, nextOffset: number): boolean;
  /** Appends a name without attributes or lookup; `type` is a dirent type (mode >>> 12). */
  addName(name: Uint8Array | string, ino: number, type: number, nextOffset: number): boolean;
}

/** What kernel and session agreed on. */
export interface Negotiated {
  /** Minor version of protocol 7 that is spoken, and the one the kernel offered. */
  minor: number;
  kernelMinor: number;
  /** Whether `openBacking` may be tried and FOPEN.PASSTHROUGH be answered. */
  passthrough: boolean;
  readdirplus: boolean;
  /** Cached pages live until they are invalidated, whatever mtime and size do. */
  explicitInvalidation: boolean;
  /** Whether `open` may return -ENOSYS: from then on the kernel opens and releases files without asking. */
  openless: boolean;
  /** The same for `opendir`. */
  opendirless: boolean;
  /** Whether inval_entry understands `expireOnly`. */
  expireOnly: boolean;
}

/** A synchronous read-only file system. `request.ino` and `request.tag` name the node that is meant. */
export interface Handler {
  /** Called once, before any other method. */
  init?(negotiated: Negotiated): void;
  /**
   * Finds `name` (raw bytes, never empty, no slash) in folder `request.ino`. "." and ".." are asked for by NFS
   * and open_by_handle_at. Fill `out`; leaving `out.ino` 0 is a negative answer kept for `out.entryTimeoutMs`.
   */
  lookup(request: FuseRequest, name: Buffer, out: Entry): number;
  /** `request.handle` is -1 or an open file. `out.tag` and `out.entryTimeoutMs` are ignored. */
  getattr(request: FuseRequest, out: Entry): number;
  /** The target's bytes (at most 4095). */
  readlink?(request: FuseRequest): Uint8Array | number;
  /** `request.flags` are the O_ flags of this machine, always for reading: others were answered EROFS. */
  open(request: FuseRequest, out: Opened): number;
  /**
   * Reads at most `request.size` bytes of `request.handle` at `request.offset` into `target` from `at` on, and
   * returns how many. Fewer than asked for means end of file.
   */
  read(request: FuseRequest, target: Buffer, at: number): number;
  release?(request: FuseRequest): void;
  opendir?(request: FuseRequest, out: Opened): number;
  /** Adds entries behind `request.offset` (0: from the start) until `listing` is full or all are listed. */
  readdir(request: FuseRequest, listing: Listing): number;
  releasedir?(request: FuseRequest): void;
  statfs?(request: FuseRequest, out: FileSystemStatus): number;
  /** The whole value; sizes and ERANGE are dealt with by the session. -ENODATA: no such attribute. */
  getxattr?(request: FuseRequest, name: Buffer): Uint8Array | number;
  /** All names, each followed by a NUL. */
  listxattr?(request: FuseRequest): Uint8Array | number;
  /** `request.flags` is the mask of access(2). */
  access?(request: FuseRequest): number;
  /** SEEK_DATA (3) or SEEK_HOLE (4) in `request.whence`; returns the offset. */
  lseek?(request: FuseRequest): number;
  /** The kernel gives back `lookups` references to a node. */
  forget?(ino: number, tag: number, lookups: number): void;
  /** Nobody waits any longer for the answer to this request; it may still be answered, with EINTR or anything. */
  interrupt?(uniqueLow: number, uniqueHigh: number): void;
}

export function createEntry(): Entry {
  return {
    ino: 0,
    tag: 0,
    generation: 0,
    entryTimeoutMs: 0,
    attrTimeoutMs: 0,
    mode: 0,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 0,
    blocks: 0,
    blockSize: 4096,
    atimeUs: 0,
    mtimeUs: 0,
    ctimeUs: 0,
  };
}
