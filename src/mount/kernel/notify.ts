/**
 * What this side tells the kernel unasked: messages with unique 0 and a code of `enum fuse_notify_code` in the
 * place of the error. Each encoder returns a message of its own; `notify` writes it.
 *
 * Writing an invalidation may wait for a page that is being read, that is, for a reply: so `notify` belongs in a
 * thread that answers no requests.
 */

import fs from 'node:fs';
import {
  EXPIRE_ONLY,
  NOTIFY,
  NOTIFY_DELETE_OUT,
  NOTIFY_INVAL_ENTRY_OUT,
  NOTIFY_INVAL_INODE_OUT,
  NOTIFY_STORE_OUT,
  OUT_HEADER,
} from './abi.js';
import { viewOf } from './reader.js';
import { putNode, putU64, transmit } from './writer.js';

const BODY = OUT_HEADER.SIZE;

/** Forget what name `name` in folder `parent` means. `expireOnly`: check it again instead, which keeps mounts on it. */
export function encodeInvalidEntry(
  parentIno: number,
  parentTag: number,
  name: Uint8Array,
  expireOnly = false,
): Buffer {
  const { bytes, view } = createNotice(NOTIFY.INVAL_ENTRY, NOTIFY_INVAL_ENTRY_OUT.name, name);
  putNode(view, BODY + NOTIFY_INVAL_ENTRY_OUT.parent, parentIno, parentTag);
  view.setUint32(BODY + NOTIFY_INVAL_ENTRY_OUT.namelen, name.length, true);
  view.setUint32(BODY + NOTIFY_INVAL_ENTRY_OUT.flags, expireOnly ? EXPIRE_ONLY : 0, true);
  return bytes;
}

/**
 * Forget the attributes of a node and its cached bytes from `offset` on (`length` 0: to the end). A negative
 * offset means attributes only.
 */
export function encodeInvalidInode(ino: number, tag: number, offset = 0, length = 0): Buffer {
  const { bytes, view } = createNotice(NOTIFY.INVAL_INODE, NOTIFY_INVAL_INODE_OUT.SIZE);
  putNode(view, BODY + NOTIFY_INVAL_INODE_OUT.ino, ino, tag);
  putU64(view, BODY + NOTIFY_INVAL_INODE_OUT.off, offset);
  putU64(view, BODY + NOTIFY_INVAL_INODE_OUT.len, length);
  return bytes;
}

/** The name was deleted: like `encodeInvalidEntry`, and watchers (inotify) are told. */
export function encodeDelete(
  parentIno: number,
  parentTag: number,
  childIno: number,
  childTag: number,
  name: Uint8Array,
): Buffer {
  const { bytes, view } = createNotice(NOTIFY.DELETE, NOTIFY_DELETE_OUT.name, name);
  putNode(view, BODY + NOTIFY_DELETE_OUT.parent, parentIno, parentTag);
  putNode(view, BODY + NOTIFY_DELETE_OUT.child, childIno, childTag);
  view.setUint32(BODY + NOTIFY_DELETE_OUT.namelen, name.length, true);
  return bytes;
}

/** Puts the beginning of a file into the kernel's cache, so that reading it takes no request. One buffer for all files. */
export interface Store {
  /** What is stored; to be filled before `send`. */
  readonly data: Buffer;
  /**
   * Stores the first `length` bytes of `data`. Waits for a read of the node that is under way: in the thread that answers
   * reads, only for a node that nobody has open. False: the kernel does not hold the node.
   */
  send(device: number, ino: number, tag: number, length: number): boolean;
}

export function createStore(capacity: number): Store {
  const { bytes, view } = createNotice(NOTIFY.STORE, NOTIFY_STORE_OUT.SIZE + capacity);
  const start = BODY + NOTIFY_STORE_OUT.SIZE;
  return {
    data: bytes.subarray(start),
    send(device, ino, tag, length) {
      view.setUint32(OUT_HEADER.len, start + length, true);
      putNode(view, BODY + NOTIFY_STORE_OUT.nodeid, ino, tag);
      view.setUint32(BODY + NOTIFY_STORE_OUT.size, length, true);
      return transmit(() => fs.writeSync(device, bytes, 0, start + length));
    },
  };
}

/** A message of the given code: `fixed` zero bytes, then the name and its NUL. */
function createNotice(code: number, fixed: number, name?: Uint8Array): { bytes: Buffer; view: DataView } {
  const bytes = Buffer.alloc(BODY + fixed + (name === undefined ? 0 : name.length + 1));
  const view = viewOf(bytes);
  view.setUint32(OUT_HEADER.len, bytes.length, true);
  view.setInt32(OUT_HEADER.error, code, true);
  if (name !== undefined) bytes.set(name, BODY + fixed);
  return { bytes, view };
}

/**
 * Writes one notification. False: the kernel does not hold what it is about, so there was nothing to forget.
 * Throws system errors: ENODEV once unmounted, ENOTEMPTY and EBUSY for a delete of something in use.
 */
export function notify(device: number, message: Buffer): boolean {
  return transmit(() => fs.writeSync(device, message));
}
