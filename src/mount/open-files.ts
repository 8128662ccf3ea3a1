/**
 * The files that are open through the mount. Every handle of one version of a file shares one descriptor and one way of
 * reading: the kernel does not allow a node to be open in passthrough and through its page cache at once.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import type { OpenedFile } from '../sources/contained.js';
import { modifiedUs } from '../sources/local.js';
import { FOPEN } from './kernel/abi.js';
import type { Opened } from './kernel/handlers.js';
import { encodeInvalidInode, notify } from './kernel/notify.js';
import type { FuseRequest } from './kernel/reader.js';
import type { OpenFileTable } from './open-file-table.js';
import { Shortcuts } from './shortcuts.js';
import type { Version } from './sightings.js';

interface OpenNode {
  ino: number;
  tag: number;
  fd: number;
  /** When it was opened. */
  version: Version;
  mode: number;
  handles: number;
  /** Of the backing file, 0 when the node is not in passthrough. */
  backingId: number;
  /** Read without the page cache, by its one handle. */
  direct: boolean;
  /** Until an attempt failed. */
  canSplice: boolean;
  /** Where it is in the table, undefined when that was full. */
  slot: number | undefined;
}

/** What stat(2) is to say of an open file. */
export interface OpenVersion extends Version {
  mode: number;
  /** It may be another one the next time. */
  volatile: boolean;
}

const ATTRIBUTES_ONLY = -1;

const { ESTALE } = constants.errno;

export class OpenFiles {
  readonly #device: number;
  readonly #table: OpenFileTable;
  readonly #shortcuts: Shortcuts;
  /** By inode: the versions of it that are open. */
  readonly #nodes = new Map<number, OpenNode[]>();
  readonly #handles = new Map<number, OpenNode>();
  #lastHandle = 0;

  constructor(device: number, table: OpenFileTable, shortcuts: Shortcuts) {
    this.#device = device;
    this.#table = table;
    this.#shortcuts = shortcuts;
  }

  get count(): number {
    return this.#handles.size;
  }

  /** Opens the version `tag` of a file; the descriptor belongs to this object from now on. */
  open(ino: number, tag: number, file: OpenedFile, out: Opened): void {
    const known = this.#node(ino, tag);
    if (known) closeSync(file.fd);
    this.#join(known ?? this.#add(ino, tag, file, false), out);
  }

  /**
   * Opens a file that is no longer the version that the kernel asks for, because it is being written to: each read asks
   * for what is there, and so does stat(2). Who has the version open that was asked for shares it.
   */
  openChanging(ino: number, tag: number, file: OpenedFile, out: Opened): void {
    const known = this.#node(ino, tag);
    if (known) {
      closeSync(file.fd);
      this.#join(known, out);
      return;
    }
    this.#join(this.#add(ino, tag, file, true), out);
    // Attributes alone: that waits for nothing, so it may be said in the thread that answers.
    notify(this.#device, encodeInvalidInode(ino, tag, ATTRIBUTES_ONLY));
  }

  #node(ino: number, tag: number): OpenNode | undefined {
    return this.#nodes.get(ino)?.find(node => node.tag === tag && !node.direct);
  }

  #add(ino: number, tag: number, { fd, stats }: OpenedFile, direct: boolean): OpenNode {
    const { size, mode } = stats;
    const slot = direct ? undefined : this.#table.enter(fd, ino, tag);
    const backingId = direct ? 0 : this.#shortcuts.begin({ ino, tag, size }, fd);
    const version = { size, mtimeUs: modifiedUs(stats) };
    const node: OpenNode = {
      ino,
      tag,
      fd,
      version,
      mode,
      handles: 0,
      backingId,
      direct,
      canSplice: !direct,
      slot,
    };
    const others = this.#nodes.get(ino);
    if (others) others.push(node);
    else this.#nodes.set(ino, [node]);
    return node;
  }

  #join(node: OpenNode, out: Opened): void {
    node.handles++;
    out.handle = ++this.#lastHandle;
    this.#handles.set(out.handle, node);
    out.backingId = node.backingId;
    const mode = node.direct ? FOPEN.DIRECT_IO : node.backingId > 0 ? FOPEN.PASSTHROUGH : FOPEN.KEEP_CACHE;
    out.flags = FOPEN.NOFLUSH | mode;
  }

  /** Closes a descriptor that was not opened for good. */
  close(fd: number): void {
    closeSync(fd);
  }

  /** Answers a read without looking at the bytes; false: `read` is to do it. */
  splice(request: FuseRequest): boolean {
    const { handle, size, offset } = request;
    const open = this.#handles.get(handle);
    if (!open?.canSplice || !Shortcuts.isWorthSplicing(size) || offset + size > this.#shown(open).size)
      return false;
    open.canSplice = this.#shortcuts.splice(request, open.fd);
    return open.canSplice;
  }

  /** How many bytes were read, or a negative errno. */
  read(handle: number, target: Buffer, at: number, size: number, offset: number): number {
    const open = this.#handles.get(handle);
    if (!open) throw new Error(`no open file has the handle ${handle}`);
    const count = readSync(open.fd, target, at, size, offset);
    // The file was cut off since it was opened. The kernel could take zeros for what is missing.
    if (count < size && !open.direct && offset + count < this.#shown(open).size) return -ESTALE;
    return count;
  }

  release(handle: number): void {
    const node = this.#handles.get(handle);
    this.#handles.delete(handle);
    if (!node || --node.handles > 0) return;
    const others = this.#nodes.get(node.ino)?.filter(each => each !== node) ?? [];
    if (others.length > 0) this.#nodes.set(node.ino, others);
    else this.#nodes.delete(node.ino);
    if (node.slot !== undefined) this.#table.leave(node.slot);
    this.#shortcuts.release(node.backingId);
    closeSync(node.fd);
  }

  /** What an open version is now; undefined when nobody has it open. */
  version(ino: number, tag: number): OpenVersion | undefined {
    const nodes = this.#nodes.get(ino);
    if (!nodes) return undefined;
    const node = this.#node(ino, tag) ?? nodes.find(each => each.tag === tag);
    return (
      node &&
      (node.direct ? presentVersion(node.fd) : { ...this.#shown(node), mode: node.mode, volatile: false })
    );
  }

  #shown({ slot, version }: OpenNode): Version {
    return (slot === undefined ? undefined : this.#table.shown(slot)) ?? version;
  }
}

function presentVersion(fd: number): OpenVersion {
  const stats = fstatSync(fd);
  return { size: stats.size, mtimeUs: modifiedUs(stats), mode: stats.mode, volatile: true };
}
