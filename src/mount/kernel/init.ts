/**
 * The INIT handshake: which version, limits and features are answered to what a kernel offers. Only offered
 * flags are ever answered. Follows uapi linux/fuse.h and fs/fuse/inode.c (`process_init_reply`).
 */

import {
  INIT_FLAG,
  INIT_FLAG2,
  INIT_OUT,
  LONG_INIT_MINOR,
  OLDEST_MINOR,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
} from './abi.js';
import type { Negotiated } from './handlers.js';
import type { KernelOffer } from './reader.js';
import type { Reply } from './writer.js';

export interface InitLimits {
  /** Bytes; the kernel takes the smaller of its own and this. */
  maxReadahead: number;
  maxWrite: number;
  /** Pages of one request. */
  maxPages: number;
  /** Asynchronous requests in flight (readahead) before readers wait. */
  maxBackground: number;
  wantPassthrough: boolean;
  /** 1: backing files on ordinary file systems; 2: also on a stacked one such as overlayfs. */
  maxStackDepth: number;
}

/**
 * Flags that suit a file system which never writes. Not among them: locks (the kernel keeps them itself),
 * write-back, KILLPRIV (nothing is written that could lose its set-uid bit), POSIX_ACL (mode bits are all).
 */
const WANTED =
  INIT_FLAG.ASYNC_READ |
  INIT_FLAG.EXPORT_SUPPORT |
  INIT_FLAG.BIG_WRITES |
  INIT_FLAG.DO_READDIRPLUS |
  INIT_FLAG.READDIRPLUS_AUTO |
  INIT_FLAG.ASYNC_DIO |
  INIT_FLAG.PARALLEL_DIROPS |
  INIT_FLAG.MAX_PAGES |
  INIT_FLAG.CACHE_SYMLINKS |
  INIT_FLAG.NO_OPEN_SUPPORT |
  INIT_FLAG.NO_OPENDIR_SUPPORT |
  INIT_FLAG.EXPLICIT_INVAL_DATA |
  INIT_FLAG.INIT_EXT;

export type Handshake = 'agreed' | 'try-again' | 'too-old';

/** A kernel of a newer major takes our major as a demand and sends a second INIT; an older one is refused. */
export function judgeOffer(offer: KernelOffer): Handshake {
  if (offer.major > PROTOCOL_MAJOR) return 'try-again';
  return offer.major < PROTOCOL_MAJOR || offer.minor < OLDEST_MINOR ? 'too-old' : 'agreed';
}

/** Settles on what both sides know. */
export function negotiate(
  offer: KernelOffer,
  limits: InitLimits,
): Negotiated & { flags: number; flags2: number } {
  const flags = offer.flags & WANTED;
  const extended = (flags & INIT_FLAG.INIT_EXT) !== 0;
  const wanted2 = INIT_FLAG2.DIRECT_IO_ALLOW_MMAP | (limits.wantPassthrough ? INIT_FLAG2.PASSTHROUGH : 0);
  const flags2 = extended ? offer.flags2 & wanted2 : 0;
  return {
    flags,
    flags2,
    minor: Math.min(offer.minor, PROTOCOL_MINOR),
    kernelMinor: offer.minor,
    passthrough: (flags2 & INIT_FLAG2.PASSTHROUGH) !== 0,
    readdirplus: (flags & INIT_FLAG.DO_READDIRPLUS) !== 0,
    explicitInvalidation: (flags & INIT_FLAG.EXPLICIT_INVAL_DATA) !== 0,
    openless: (flags & INIT_FLAG.NO_OPEN_SUPPORT) !== 0,
    opendirless: (flags & INIT_FLAG.NO_OPENDIR_SUPPORT) !== 0,
    expireOnly: extended && (offer.flags2 & INIT_FLAG2.HAS_EXPIRE_ONLY) !== 0,
  };
}

/** struct fuse_init_out, in the length that the minor version has. */
export function putInit(
  { bytes, view }: Reply,
  at: number,
  agreed: Negotiated & { flags: number; flags2: number },
  limits: InitLimits,
): number {
  bytes.fill(0, at, at + INIT_OUT.SIZE);
  putVersion({ bytes, view }, at, agreed.minor);
  view.setUint32(at + INIT_OUT.max_readahead, limits.maxReadahead, true);
  view.setUint32(at + INIT_OUT.flags, agreed.flags, true);
  view.setUint16(at + INIT_OUT.max_background, limits.maxBackground, true);
  view.setUint16(at + INIT_OUT.congestion_threshold, Math.floor((limits.maxBackground * 3) / 4), true);
  view.setUint32(at + INIT_OUT.max_write, limits.maxWrite, true);
  if (agreed.minor < LONG_INIT_MINOR) return INIT_OUT.SHORT_SIZE;
  view.setUint32(at + INIT_OUT.time_gran, 1, true);
  view.setUint16(at + INIT_OUT.max_pages, limits.maxPages, true);
  view.setUint32(at + INIT_OUT.flags2, agreed.flags2, true);
  if (agreed.passthrough) view.setUint32(at + INIT_OUT.max_stack_depth, limits.maxStackDepth, true);
  return INIT_OUT.SIZE;
}

/** The answer to a kernel of a newer major: nothing but our own version, in a struct of full length. */
export function putOurVersion(reply: Reply, at: number): number {
  reply.bytes.fill(0, at, at + INIT_OUT.SIZE);
  putVersion(reply, at, PROTOCOL_MINOR);
  return INIT_OUT.SIZE;
}

function putVersion({ view }: Reply, at: number, minor: number): void {
  view.setUint32(at + INIT_OUT.major, PROTOCOL_MAJOR, true);
  view.setUint32(at + INIT_OUT.minor, minor, true);
}
