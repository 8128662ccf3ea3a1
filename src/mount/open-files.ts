/**
 * The files that are open through the mount. Every handle of one version of a file shares one descriptor and one way of
 * reading: the kernel does not allow a node to be open in passthrough and through its page cache at once.
 */
import { closeSync, fstatSync, readSync, type Stats } from 'node:fs';
import { FOPEN } from './kernel/abi.js';
import { closeBacking, openBacking } from './kernel/backing.js';
import type { Opened } from './kernel/handlers.js';

interface OpenNode {
  key: string;
  fd: number;
  handles: number;
  /** Of the backing file, 0 when the node is read through the page cache. */
  backingId: number;
}

interface Handle {
  fd: number;
  /** Undefined for a file that is read directly, whose descriptor is the handle's own. */
  node: OpenNode | undefined;
}

/** Smaller files are read faster through the page cache, which costs one request but no ioctl. */
const PASSTHROUGH_FROM = 32 * 1024;

export class OpenFiles {
  readonly #device: number;
  #passthrough: boolean;
  readonly #nodes = new Map<string, OpenNode>();
  readonly #handles = new Map<number, Handle>();
  #lastHandle = 0;

  constructor(device: number, passthrough: boolean) {
    this.#device = device;
    this.#passthrough = passthrough;
  }

  get count(): number {
    return this.#handles.size;
  }

  /** Opens a version of a file; the descriptor belongs to this object from now on. */
  open(ino: number, tag: number, fd: number, size: number, out: Opened): void {
    const key = nodeKey(ino, tag);
    let node = this.#nodes.get(key);
    if (node) closeSync(fd);
    else {
      node = { key, fd, handles: 0, backingId: size >= PASSTHROUGH_FROM ? this.#register(fd) : 0 };
      this.#nodes.set(key, node);
    }
    node.handles++;
    out.handle = this.#newHandle({ fd: node.fd, node });
    out.backingId = node.backingId;
    out.flags = FOPEN.NOFLUSH | (node.backingId > 0 ? FOPEN.PASSTHROUGH : FOPEN.KEEP_CACHE);
  }

  /** Opens a file that is being written to: each read asks for what is there. False when the node is in passthrough. */
  openDirect(ino: number, tag: number, fd: number, out: Opened): boolean {
    if (this.#nodes.get(nodeKey(ino, tag))?.backingId) return false;
    out.handle = this.#newHandle({ fd, node: undefined });
    out.flags = FOPEN.DIRECT_IO | FOPEN.NOFLUSH;
    return true;
  }

  #newHandle(handle: Handle): number {
    this.#handles.set(++this.#lastHandle, handle);
    return this.#lastHandle;
  }

  /** The id of a backing file, 0 where there can be none. */
  #register(fd: number): number {
    if (!this.#passthrough) return 0;
    const id = openBacking(this.#device, fd);
    if (id > 0) return id;
    // EPERM stays so; a file on a stacked file system (ELOOP) says nothing about the next one.
    if (id === -1) this.#passthrough = false;
    return 0;
  }

  /** Closes a descriptor that was not opened for good. */
  close(fd: number): void {
    closeSync(fd);
  }

  read(handle: number, target: Buffer, at: number, size: number, offset: number): number {
    const open = this.#handles.get(handle);
    if (!open) throw new Error(`no open file has the handle ${handle}`);
    return readSync(open.fd, target, at, size, offset);
  }

  release(handle: number): void {
    const open = this.#handles.get(handle);
    if (!open) return;
    this.#handles.delete(handle);
    const { fd, node } = open;
    if (node && --node.handles > 0) return;
    if (node) {
      this.#nodes.delete(node.key);
      if (node.backingId > 0) closeBacking(this.#device, node.backingId);
    }
    closeSync(fd);
  }

  /** What an open version of a file is now, undefined when nobody has it open. */
  stats(ino: number, tag: number): Stats | undefined {
    const node = this.#nodes.get(nodeKey(ino, tag));
    return node && fstatSync(node.fd);
  }
}

function nodeKey(ino: number, tag: number): string {
  return `${ino}:${tag}`;
}
