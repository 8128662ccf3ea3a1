/**
 * The remote files that are open through the mount: the side of the FUSE thread. What is in the cache as a whole is read as
 * local files are, without asking anybody. Of the rest, what is in the cache is answered here, at once; what is not is asked
 * of the main thread, which waits for the network and answers the kernel by itself.
 */
import { Cache } from '../cache/cache.js';
import type { BlobHandle } from '../cache/handle.js';
import { LastingCache } from '../cache/lasting-cache.js';
import type { Limits } from '../cache/space.js';
import type { FileLocation } from '../catalog/files.js';
import { FacetError } from '../errors.js';
import { contentKey } from '../volume/content-key.js';
import { FOPEN } from './kernel/abi.js';
import { DEFERRED, type Opened } from './kernel/handlers.js';
import type { FuseRequest } from './kernel/reader.js';
import type { OpenVersion } from './open-files.js';
import { Shortcuts } from './shortcuts.js';

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

/** One version of a file. All its handles are of one kind, which is settled when the first of them is opened. */
interface OpenNode {
  ino: number;
  tag: number;
  file: FileLocation;
  key: string;
  handles: number;
  blob: BlobHandle | undefined;
  /** All of it was in the cache, known to be right: there was nothing that the main thread could bring. */
  isThere: boolean;
  /** Of the backing file, 0 when the node is not in passthrough. */
  backingId: number;
  /** Until an attempt failed. */
  canSplice: boolean;
}

interface OpenHandle {
  handle: number;
  node: OpenNode;
  /** Whether the main thread knows of it. */
  isTold: boolean;
  /** Where the main thread was told of a read last. */
  toldAt: number;
}

/** Handles of local files are numbered from 1. */
const FIRST_HANDLE = 2 ** 40;

const TELL_EVERY = 1 << 20;

/** Contents of up to so many bytes are compared with their checksums at once, where nobody has: a few milliseconds. */
const CHECK_UP_TO = 4 << 20;

/** Remote sources tell no permissions. */
const FILE_MODE = 0o100644;

export class RemoteFiles {
  readonly #shortcuts: Shortcuts;
  readonly #post: (message: RemoteMessage) => void;
  readonly #handles = new Map<number, OpenHandle>();
  /** By inode: the versions of it that are open. */
  readonly #nodes = new Map<number, OpenNode[]>();
  readonly #cache: LastingCache;
  #nextHandle = FIRST_HANDLE;

  constructor(settings: CacheSettings, shortcuts: Shortcuts, post: (message: RemoteMessage) => void) {
    const { directory, limits } = settings;
    this.#cache = new LastingCache(() => Cache.open(directory, limits, 'serve'));
    this.#shortcuts = shortcuts;
    this.#post = post;
  }

  static isHandle(handle: number): boolean {
    return handle >= FIRST_HANDLE;
  }

  get count(): number {
    return this.#handles.size;
  }

  open(ino: number, tag: number, file: FileLocation, out: Opened): void {
    const node = this.#nodeFor(ino, tag, file);
    const open = { handle: this.#nextHandle++, node, isTold: false, toldAt: 0 };
    node.handles++;
    this.#handles.set(open.handle, open);
    // It can be on its way to the source before the first read.
    if (!node.isThere) this.#tell(open);
    out.handle = open.handle;
    out.backingId = node.backingId;
    out.flags = FOPEN.NOFLUSH | (node.backingId > 0 ? FOPEN.PASSTHROUGH : FOPEN.KEEP_CACHE);
  }

  #openNodes(ino: number, tag: number): OpenNode[] {
    return this.#nodes.get(ino)?.filter(each => each.tag === tag) ?? [];
  }

  /** Of a version that is being downloaded and was renamed meanwhile, the rest is to be had under the new name. */
  #nodeFor(ino: number, tag: number, file: FileLocation): OpenNode {
    const key = contentKey(file);
    const open = this.#openNodes(ino, tag);
    return open.find(each => each.isThere || each.key === key) ?? this.#add(ino, tag, file, key, open.length);
  }

  #add(ino: number, tag: number, file: FileLocation, key: string, others: number): OpenNode {
    const { size } = file;
    const blob = this.#openCache()?.lookup(key, size);
    const fd = blob && others === 0 ? descriptorOf(blob) : undefined;
    const backingId = fd === undefined ? 0 : this.#shortcuts.begin({ ino, tag, size }, fd);
    const isThere = fd !== undefined;
    const node = { ino, tag, file, key, handles: 0, blob, isThere, backingId, canSplice: true };
    this.#nodes.set(ino, [...(this.#nodes.get(ino) ?? []), node]);
    return node;
  }

  /** What an open version is, whatever the present one is; undefined when nobody has it open. */
  version(ino: number, tag: number): OpenVersion | undefined {
    const file = this.#openNodes(ino, tag)[0]?.file;
    return file && { size: file.size, mtimeUs: file.mtimeUs, mode: FILE_MODE, volatile: false };
  }

  /** How many bytes were read, or `DEFERRED`: then it is answered already, or will be. */
  read(request: FuseRequest, target: Buffer, at: number): number {
    const { handle, size, offset } = request;
    const open = this.#handles.get(handle);
    if (!open) throw new Error(`no open remote file has the handle ${handle}`);
    const count = this.#answer(open.node, request, target, at);
    if (count === undefined) return this.#ask(open, request);
    if (!open.node.isThere && Math.abs(offset - open.toldAt) >= TELL_EVERY) {
      open.toldAt = offset;
      this.#post({ kind: 'remote-hint', handle, offset, size });
    }
    return count;
  }

  /** From the cache; undefined when something is not there. */
  #answer(node: OpenNode, request: FuseRequest, target: Buffer, at: number): number | undefined {
    const { size, offset } = request;
    const blob = this.#blobOf(node);
    if (node.canSplice && Shortcuts.isWorthSplicing(size) && offset + size <= node.file.size) {
      const fd = blob?.descriptorOf(offset, offset + size);
      if (fd === undefined) return undefined;
      node.canSplice = this.#shortcuts.splice(request, fd);
      if (node.canSplice) return DEFERRED;
    }
    return blob?.read(target, at, size, offset);
  }

  /** The main thread is to answer: something is not in the cache, or has turned out to be damaged. */
  #ask(open: OpenHandle, { handle, size, offset, uniqueLow, uniqueHigh }: FuseRequest): number {
    if (!open.isTold) this.#tell(open);
    open.toldAt = offset;
    const unique = { low: uniqueLow, high: uniqueHigh };
    this.#post({ kind: 'remote-read', handle, unique, offset, size });
    return DEFERRED;
  }

  #tell(open: OpenHandle): void {
    open.isTold = true;
    this.#post({ kind: 'remote-open', handle: open.handle, file: open.node.file });
  }

  /** Undefined while nothing of the file is in the cache. */
  #blobOf(node: OpenNode): BlobHandle | undefined {
    node.blob ??= this.#openCache()?.lookup(node.key, node.file.size);
    return node.blob;
  }

  /** How many of its bytes are in the cache. */
  cachedBytes(key: string, size: number): number {
    return this.#openCache()?.presentBytes(key, size) ?? 0;
  }

  /** The main thread makes the cache when it first needs it. */
  #openCache(): Cache | undefined {
    try {
      return this.#cache.get();
    } catch (error) {
      if (error instanceof FacetError) return undefined;
      throw error;
    }
  }

  interrupt(low: number, high: number): void {
    if (this.#handles.size > 0) this.#post({ kind: 'remote-interrupt', unique: { low, high } });
  }

  release(handle: number): void {
    const open = this.#handles.get(handle);
    this.#handles.delete(handle);
    if (open?.isTold) this.#post({ kind: 'remote-release', handle });
    if (open && --open.node.handles === 0) this.#leave(open.node);
  }

  #leave(node: OpenNode): void {
    this.#shortcuts.release(node.backingId);
    node.blob?.close();
    const others = this.#nodes.get(node.ino)?.filter(each => each !== node) ?? [];
    if (others.length > 0) this.#nodes.set(node.ino, others);
    else this.#nodes.delete(node.ino);
  }

  /** After the last request. */
  end(): void {
    for (const { blob } of [...this.#nodes.values()].flat()) blob?.close();
    this.#nodes.clear();
    this.#handles.clear();
    this.#cache.close();
  }
}

/** The descriptor of a blob that is whole and known to be right, if need be after a look at a small one. */
function descriptorOf(blob: BlobHandle): number | undefined {
  const known = blob.descriptor();
  if (known !== undefined || blob.size > CHECK_UP_TO || !blob.check(0, blob.size)) return known;
  return blob.descriptor();
}
