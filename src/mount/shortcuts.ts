/**
 * Ways to give the kernel the bytes of an open file without this process touching them: the kernel reads a backing file by
 * itself (passthrough), is given a small file before it asks, or is answered by splice(2). Whatever descriptor they are given
 * stays the caller's.
 */
import { readFully } from '../cache/blocks.js';
import { closeBacking, openBacking } from './kernel/backing.js';
import { createStore } from './kernel/notify.js';
import type { FuseRequest } from './kernel/reader.js';
import { Splicer } from './kernel/splice.js';

/** Smaller files are read faster through the page cache, which costs one request but no ioctl. */
const PASSTHROUGH_FROM = 32 * 1024;

/** Files of up to so many bytes are stored as a whole. */
const STORE_UP_TO = 64 * 1024;
const MOST_STORED = 50_000;

/** A version of a file: its inode and content tag, and how many bytes it has. */
export interface Contents {
  readonly ino: number;
  readonly tag: number;
  readonly size: number;
}

export class Shortcuts {
  readonly #device: number;
  readonly #storage = createStore(STORE_UP_TO);
  readonly #splicer: Splicer;
  /** What the kernel was given: inode → tag. It need not have kept it; then it asks. */
  readonly #stored = new Map<number, number>();
  #passthrough = false;

  constructor(device: number) {
    this.#device = device;
    this.#splicer = new Splicer(device);
  }

  allowPassthrough(isAllowed: boolean): void {
    this.#passthrough = isAllowed;
  }

  /**
   * For a version that nobody has open, in the moment in which it is opened: the id of a backing file for all openings until
   * `release`, because the kernel does not allow a node to be open in passthrough and through its page cache at once.
   * 0: it is to be opened through the page cache, where a small file is by now.
   */
  begin(contents: Contents, fd: number): number {
    const backingId = contents.size >= PASSTHROUGH_FROM && this.#passthrough ? this.#register(fd) : 0;
    if (backingId === 0) this.#store(contents, fd);
    return backingId;
  }

  /** When nobody has the version open any more. */
  release(backingId: number): void {
    if (backingId > 0) closeBacking(this.#device, backingId);
  }

  #register(fd: number): number {
    const id = openBacking(this.#device, fd);
    if (id > 0) return id;
    // EPERM stays so; a file on a stacked file system (ELOOP) says nothing about the next one.
    if (id === -1) this.#passthrough = false;
    return 0;
  }

  /**
   * Gives the kernel a small file while it waits for its opening, and so saves the request that would follow. The node was
   * not open a moment ago, so no read of it is under way.
   */
  #store({ ino, tag, size }: Contents, fd: number): void {
    if (size === 0 || size > STORE_UP_TO || this.#stored.get(ino) === tag) return;
    if (!readFully(fd, this.#storage.data, 0, size, 0)) return;
    if (!this.#storage.send(this.#device, ino, tag, size)) return;
    if (this.#stored.size >= MOST_STORED) this.#stored.clear();
    this.#stored.set(ino, tag);
  }

  /** Is `splice` worth trying for a read of `size` bytes? */
  static isWorthSplicing(size: number): boolean {
    return Splicer.isWorthIt(size);
  }

  /** Answers a read, all of which the file has. False: it was not answered, and would not be the next time. */
  splice(request: FuseRequest, fd: number): boolean {
    return this.#splicer.answer(request, fd);
  }

  /** After the last request. */
  end(): void {
    this.#splicer.close();
  }
}
