/** What a node of the tree looks like to stat(2). Files are read-only here, and belong to whoever mounted them. */

import { EntryType } from '../catalog/projector.js';
import type { Node } from '../tree/tree.js';
import { contentTag } from './content-tag.js';
import type { Entry } from './kernel/handlers.js';

export interface Ownership {
  uid: number;
  gid: number;
  /** Permission bits that are taken away. */
  umask: number;
}

/**
 * How long the kernel may keep what it was told. Long, because it is told of every change: see `notify-thread.ts`.
 * Names that do not exist are kept for a moment only, so that a new name needs no message of its own.
 */
const KEEP_MS = 3_600_000;
export const KEEP_ABSENCE_MS = 100;

const READ_AND_ENTER = 0o555;
const OWNER_READ = 0o400;
const OWNER_ENTER = 0o100;
const ANY_EXECUTE = 0o111;
const TYPE_BITS = 0o170000;

/** Reads of this size suit the kernel's read-ahead; programs take their buffers from it. */
const BLOCK_SIZE = 128 * 1024;

/** The tag of a node's present version: of files only, the rest has no contents of its own. */
export function tagOf(node: Node): number {
  return node.type === EntryType.file ? contentTag(node.size, node.mtimeUs, node.version) : 0;
}

export function fillEntry(out: Entry, node: Node, owner: Ownership): void {
  out.ino = node.ino;
  out.tag = tagOf(node);
  out.generation = 0;
  out.entryTimeoutMs = KEEP_MS;
  out.attrTimeoutMs = KEEP_MS;
  out.mode = (node.mode & TYPE_BITS) | permissions(node.mode, owner.umask);
  // Directories too: "unknown number of links" keeps find(1) from deducing the number of subdirectories.
  out.nlink = 1;
  out.uid = owner.uid;
  out.gid = owner.gid;
  out.rdev = 0;
  out.size = node.size;
  // Of remote files too, whatever is cached: tar --sparse takes what has no blocks for a hole, and would keep zeros of it.
  out.blocks = Math.ceil(node.size / 512);
  out.blockSize = BLOCK_SIZE;
  out.atimeUs = node.mtimeUs;
  out.mtimeUs = node.mtimeUs;
  out.ctimeUs = node.mtimeUs;
}

/**
 * The origin's permissions without writing. The owner here is whoever mounted, who need not be the owner there: so the
 * owner may always read, and the origin decides when the file is opened.
 */
function permissions(mode: number, umask: number): number {
  const owner = OWNER_READ | (mode & ANY_EXECUTE ? OWNER_ENTER : 0);
  return ((mode & READ_AND_ENTER) | owner) & ~umask;
}
