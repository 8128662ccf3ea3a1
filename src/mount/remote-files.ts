/**
 * The remote files that are open through the mount: the side of the FUSE thread. What is in the cache is answered here, at
 * once; the rest is asked of the main thread, which waits for the network and answers the kernel by itself.
 */
import { Cache } from '../cache/cache.js';
import type { BlobHandle } from '../cache/handle.js';
import type { Limits } from '../cache/space.js';
import type { FileLocation } from '../catalog/files.js';
import { FacetError } from '../errors.js';
import { contentKey } from '../volume/content-key.js';
import { FOPEN } from './kernel/abi.js';
import { DEFERRED, type Opened } from './kernel/handlers.js';
import type { FuseRequest } from './kernel/reader.js';
import type { OpenVersion } from './open-files.js';

export interface CacheSettings {
  directory: string;
  limits: Limits;
}

/** What the main thread is told. `handle` is that of the open file. */
export type RemoteMessage =
  | { kind: 'remote-open'; handle: number; file: FileLocation }
  /** To be answered. */
  | { kind: 'remote-read'; handle: number; unique: Unique; offset: number; size: number }
  /** Answered from the cache: what follows may be wanted soon. */
  | { kind: 'remote-hint'; handle: number; offset: number; size: number }
  | { kind: 'remote-interrupt'; unique: Unique }
  | { kind: 'remote-release'; handle: number };

/** The number of a request, in two halves. */
export interface Unique {
  low: number;
  high: number;
}

interface OpenRemote {
  ino: number;
  tag: number;
  key: string;
  size: number;
  mtimeUs: number;
  blob: BlobHandle | undefined;
  /** Where the main thread was told of a read last. */
  toldAt: number;
}

/** Handles of local files are numbered from 1. */
const FIRST_HANDLE = 2 ** 40;

const TELL_EVERY = 1 << 20;

/** Remote sources tell no permissions. */
const FILE_MODE = 0o100644;

export class RemoteFiles {
  readonly #settings: CacheSettings;
  readonly #post: (message: RemoteMessage) => void;
  readonly #open = new Map<number, OpenRemote>();
  /** By inode: those of `#open`. */
  readonly #nodes = new Map<number, OpenRemote[]>();
  #cache: Cache | undefined;
  #nextHandle = FIRST_HANDLE;

  constructor(settings: CacheSettings, post: (message: RemoteMessage) => void) {
    this.#settings = settings;
    this.#post = post;
  }

  static isHandle(handle: number): boolean {
    return handle >= FIRST_HANDLE;
  }

  get count(): number {
    return this.#open.size;
  }

  open(ino: number, tag: number, file: FileLocation, out: Opened): void {
    const handle = this.#nextHandle++;
    const { size, mtimeUs } = file;
    const open = { ino, tag, key: contentKey(file), size, mtimeUs, blob: undefined, toldAt: 0 };
    this.#open.set(handle, open);
    this.#nodes.set(ino, [...(this.#nodes.get(ino) ?? []), open]);
    this.#post({ kind: 'remote-open', handle, file });
    out.handle = handle;
    out.flags = FOPEN.NOFLUSH | FOPEN.KEEP_CACHE;
  }

  /** What an open version is, whatever the present one is; undefined when nobody has it open. */
  version(ino: number, tag: number): OpenVersion | undefined {
    const open = this.#nodes.get(ino)?.find(each => each.tag === tag);
    return open && { size: open.size, mtimeUs: open.mtimeUs, mode: FILE_MODE, volatile: false };
  }

  /** How many bytes were read, or `DEFERRED`. */
  read({ handle, size, offset, uniqueLow, uniqueHigh }: FuseRequest, target: Buffer, at: number): number {
    const open = this.#open.get(handle);
    if (!open) throw new Error(`no open remote file has the handle ${handle}`);
    const count = this.#blobOf(open)?.read(target, at, size, offset);
    if (count === undefined) {
      open.toldAt = offset;
      const unique = { low: uniqueLow, high: uniqueHigh };
      this.#post({ kind: 'remote-read', handle, unique, offset, size });
      return DEFERRED;
    }
    if (Math.abs(offset - open.toldAt) >= TELL_EVERY) {
      open.toldAt = offset;
      this.#post({ kind: 'remote-hint', handle, offset, size });
    }
    return count;
  }

  /** Undefined while nothing of the file is in the cache. */
  #blobOf(open: OpenRemote): BlobHandle | undefined {
    open.blob ??= this.#openCache()?.lookup(open.key, open.size);
    return open.blob;
  }

  /** Is all of it in the cache? */
  isCached(key: string, size: number): boolean {
    return this.#openCache()?.isWhole(key, size) ?? false;
  }

  /** The main thread makes the cache when it first needs it. */
  #openCache(): Cache | undefined {
    try {
      this.#cache ??= Cache.open(this.#settings.directory, this.#settings.limits, 'read');
    } catch (error) {
      if (!(error instanceof FacetError)) throw error;
    }
    return this.#cache;
  }

  interrupt(low: number, high: number): void {
    if (this.#open.size > 0) this.#post({ kind: 'remote-interrupt', unique: { low, high } });
  }

  release(handle: number): void {
    const open = this.#open.get(handle);
    this.#open.delete(handle);
    if (open) this.#leave(open);
    this.#post({ kind: 'remote-release', handle });
  }

  #leave(open: OpenRemote): void {
    open.blob?.close();
    const others = this.#nodes.get(open.ino)?.filter(each => each !== open) ?? [];
    if (others.length > 0) this.#nodes.set(open.ino, others);
    else this.#nodes.delete(open.ino);
  }

  /** After the last request. */
  end(): void {
    for (const { blob } of this.#open.values()) blob?.close();
    this.#open.clear();
    this.#cache?.close();
  }
}
