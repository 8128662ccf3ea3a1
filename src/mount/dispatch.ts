/**
 * Answers the kernel from the volume: the file system itself. Runs in the FUSE thread, synchronously, on SQLite and local
 * descriptors alone; keeps no record of what the kernel knows, so its memory does not grow with the number of files.
 */
import { constants } from 'node:os';
import { EntryType } from '../catalog/projector.js';
import { decodeName, encodeName, isEscaped } from '../sources/file-names.js';
import { modifiedUs } from '../sources/local.js';
import type { Name, NamedNode, Node } from '../tree/tree.js';
import { type MappedFolder, MappedFolders } from '../volume/mapped-folders.js';
import type { Looks } from '../volume/tiers.js';
import type { Volume } from '../volume/volume.js';
import type { AccessRing } from './access-ring.js';
import { fillEntry, KEEP_ABSENCE_MS, type Ownership } from './attributes.js';
import { contentTag } from './content-tag.js';
import { errnoOf } from './errno.js';
import { DIRENT, ENTRY_OUT, FOPEN } from './kernel/abi.js';
import {
  createEntry,
  DEFERRED,
  type Entry,
  type FileSystemStatus,
  type Handler,
  type Listing,
  type Negotiated,
  type Opened,
} from './kernel/handlers.js';
import type { FuseRequest } from './kernel/reader.js';
import { BEHIND_PARENT, BEHIND_SELF, ListedDirectories, START } from './listed-directories.js';
import type { OpenFileTable } from './open-file-table.js';
import { OpenFiles, type OpenVersion } from './open-files.js';
import { type CacheSettings, RemoteFiles, type RemoteMessage } from './remote-files.js';
import { Retries } from './retries.js';
import { Shortcuts } from './shortcuts.js';
import { Sightings, type Version } from './sightings.js';
import { getAttribute, listAttributes } from './xattrs.js';

const { ENOENT, ENOSYS, EOPNOTSUPP, ESTALE, ENODATA, EINVAL } = constants.errno;

const TOTALS_KEPT_MS = 5_000;

export interface DispatchOptions {
  device: number;
  owner: Ownership;
  openFiles: OpenFileTable;
  /** Told of every file that is opened. */
  accesses: AccessRing;
  /** Told of a version of a file that the catalog does not know yet. */
  onSighting: (sighted: { ino: number; seen: Version; known: Version }) => void;
  onReady: (negotiated: Negotiated) => void;
  cache: CacheSettings;
  mounts: readonly MappedFolder[];
  /** For the main thread. */
  onRemote: (message: RemoteMessage) => void;
}

export class Dispatch implements Handler {
  readonly #volume: Volume;
  readonly #options: DispatchOptions;
  readonly #sightings = new Sightings();
  readonly #retries = new Retries();
  readonly #directories: ListedDirectories;
  readonly #scratch = createEntry();
  readonly #shortcuts: Shortcuts;
  readonly #files: OpenFiles;
  readonly #remote: RemoteFiles;
  readonly #looks: Looks;
  /** Whether directories need not be opened and closed: the kernel then keeps every listing by itself. */
  #opendirless = false;
  #totals: { version: number; files: number; bytes: number; countAgainAt: number } | undefined;

  constructor(volume: Volume, options: DispatchOptions) {
    this.#volume = volume;
    this.#options = options;
    this.#directories = new ListedDirectories(volume);
    this.#shortcuts = new Shortcuts(options.device);
    this.#files = new OpenFiles(options.device, options.openFiles, this.#shortcuts);
    this.#remote = new RemoteFiles(options.cache, this.#shortcuts, options.onRemote);
    const mapped = new MappedFolders(volume.sources, options.mounts);
    this.#looks = {
      cachedBytes: (key, size) => this.#remote.cachedBytes(key, size),
      // Nothing in this thread may touch such a folder.
      isNear: file => mapped.placeOf(file) !== undefined,
    };
  }

  init(negotiated: Negotiated): void {
    this.#shortcuts.allowPassthrough(negotiated.passthrough);
    this.#opendirless = negotiated.opendirless;
    this.#options.onReady(negotiated);
  }

  /** After the last request. */
  end(): void {
    this.#shortcuts.end();
    this.#remote.end();
  }

  get openFiles(): number {
    return this.#files.count + this.#remote.count;
  }

  lookup(request: FuseRequest, name: Buffer, out: Entry): number {
    const node = this.#child(request.ino, decodeName(name));
    if (node) this.#fill(out, node);
    else out.entryTimeoutMs = KEEP_ABSENCE_MS;
    return 0;
  }

  #child(parent: number, name: string): Node | undefined {
    const { tree } = this.#volume;
    // Asked for by NFS and open_by_handle_at(2) alone.
    if (name === '.') return tree.node(parent);
    if (name === '..') return tree.node(tree.parentOf(parent) ?? parent);
    return tree.lookup(parent, name);
  }

  getattr({ ino, tag }: FuseRequest, out: Entry): number {
    const node = this.#volume.tree.node(ino);
    const open = this.#files.version(ino, tag) ?? this.#remote.version(ino, tag);
    if (open) {
      this.#fillOpen(out, ino, tag, node?.type === EntryType.file ? { ...open, mode: node.mode } : open);
      return 0;
    }
    if (!node) return -ENOENT;
    this.#fill(out, node);
    if (out.tag !== tag) return this.#outdated(out, tag);
    return 0;
  }

  /**
   * A version that nobody has open and that is no longer the present one: what the present one is, for this once. To
   * open it will be refused, but a refusal here would fail programs that only look.
   */
  #outdated(out: Entry, tag: number): number {
    if (out.tag === 0) return -ESTALE;
    out.tag = tag;
    out.attrTimeoutMs = 0;
    return 0;
  }

  #fill(out: Entry, node: Node): void {
    fillEntry(out, this.#sightings.apply(node), this.#options.owner);
    // One version has one size, whoever asks: with another the kernel would cut off what a reader of it has.
    const open = this.#files.version(out.ino, out.tag);
    if (open) this.#fillOpen(out, out.ino, out.tag, { ...open, mode: node.mode });
  }

  #fillOpen(out: Entry, ino: number, tag: number, { size, mtimeUs, mode, volatile }: OpenVersion): void {
    fillEntry(out, { ino, type: EntryType.file, size, mtimeUs, mode, version: null }, this.#options.owner);
    out.tag = tag;
    if (volatile) out.attrTimeoutMs = 0;
  }

  readlink(request: FuseRequest): Buffer | number {
    const target = this.#volume.files.get(request.ino)?.target;
    return target === null || target === undefined ? -EINVAL : encodeName(target);
  }

  open(request: FuseRequest, out: Opened): number {
    try {
      const status = this.#open(request, out);
      if (status === 0) this.#options.accesses.add(request.ino);
      return status;
    } catch (error) {
      return -errnoOf(error);
    }
  }

  #open({ ino, tag, pid }: FuseRequest, out: Opened): number {
    const location = this.#volume.locate(ino);
    if (this.#volume.isRemote(location.sourceId)) {
      const { size, mtimeUs, version } = location;
      // Another version came since the name was looked up: the kernel has to look it up once more.
      if (contentTag(size, mtimeUs, version) !== tag) return -ESTALE;
      this.#remote.open(ino, tag, location, out);
      return 0;
    }
    const file = this.#volume.open(location);
    const seen = { size: file.stats.size, mtimeUs: modifiedUs(file.stats) };
    if (contentTag(seen.size, seen.mtimeUs) === tag) {
      this.#files.open(ino, tag, file, out);
      return 0;
    }
    const known = { size: location.size, mtimeUs: location.mtimeUs };
    this.#sightings.note(ino, known, seen);
    this.#options.onSighting({ ino, seen, known });
    if (this.#retries.isRetry(pid, ino)) {
      this.#files.openChanging(ino, tag, file, out);
      return 0;
    }
    this.#files.close(file.fd);
    // Makes the kernel look the name up once more, and open the version that it finds.
    return -ESTALE;
  }

  read(request: FuseRequest, target: Buffer, at: number): number {
    if (RemoteFiles.isHandle(request.handle)) return this.#remote.read(request, target, at);
    if (this.#files.splice(request)) return DEFERRED;
    const { handle, size, offset } = request;
    return this.#files.read(handle, target, at, size, offset);
  }

  release({ handle }: FuseRequest): void {
    if (RemoteFiles.isHandle(handle)) this.#remote.release(handle);
    else this.#files.release(handle);
  }

  interrupt(uniqueLow: number, uniqueHigh: number): void {
    this.#remote.interrupt(uniqueLow, uniqueHigh);
  }

  /** The kernel keeps a listing until `notify-thread.ts` says that it changed, and asks no more where it need not. */
  opendir(_: FuseRequest, out: Opened): number {
    if (this.#opendirless) return -ENOSYS;
    out.flags = FOPEN.CACHE_DIR | FOPEN.KEEP_CACHE;
    return 0;
  }

  readdir({ ino, offset, size }: FuseRequest, listing: Listing): number {
    if (offset === START && !listing.addName('.', ino, EntryType.directory, BEHIND_SELF)) return 0;
    if (offset <= BEHIND_SELF) {
      const parent = this.#volume.tree.parentOf(ino) ?? ino;
      if (!listing.addName('..', parent, EntryType.directory, BEHIND_PARENT)) return 0;
    }
    const place = Math.max(offset, BEHIND_PARENT);
    const most = mostEntries(size, listing.plus);
    const last = listing.plus
      ? this.#listNodes(this.#directories.entriesBehind(ino, place, most), listing)
      : listNames(this.#directories.namesBehind(ino, place, most), listing);
    if (last) this.#directories.take(ino, last);
    return 0;
  }

  /** Returns the last one that fitted in. */
  #listNodes(nodes: NamedNode[], listing: Listing): Name | undefined {
    let last: Name | undefined;
    for (const node of nodes) {
      this.#fill(this.#scratch, node);
      if (!listing.add(nameBytes(node.name), this.#scratch, node.ino)) break;
      last = node;
    }
    return last;
  }

  statfs(_: FuseRequest, out: FileSystemStatus): number {
    const { files, bytes } = this.#contents();
    out.blockSize = 4096;
    out.blocks = Math.ceil(bytes / 4096);
    // Nothing can be written, so nothing is free.
    out.freeBlocks = 0;
    out.availableBlocks = 0;
    out.files = files;
    out.freeFiles = 0;
    return 0;
  }

  /** Counted anew only after the catalog changed, and not more often than now and then: programs ask a lot. */
  #contents(): { files: number; bytes: number } {
    const now = performance.now();
    if (this.#totals && now < this.#totals.countAgainAt) return this.#totals;
    const version = Number(this.#volume.db.pragma('data_version', { simple: true }));
    const totals = this.#totals?.version === version ? this.#totals : this.#volume.tree.totals();
    this.#totals = { ...totals, version, countAgainAt: now + TOTALS_KEPT_MS };
    return this.#totals;
  }

  getxattr({ ino }: FuseRequest, name: Buffer): Buffer | number {
    // To ls(1) and others it means that there are none of the kind in this file system; they ask no more.
    if (!name.toString('latin1', 0, 5).startsWith('user.')) return -EOPNOTSUPP;
    return getAttribute(this.#volume, ino, name.toString(), this.#looks) ?? -ENODATA;
  }

  listxattr({ ino }: FuseRequest): Buffer {
    return listAttributes(this.#volume, ino, this.#looks);
  }
}

function listNames(names: Name[], listing: Listing): Name | undefined {
  let last: Name | undefined;
  for (const each of names) {
    if (!listing.addName(nameBytes(each.name), each.ino, each.type, each.ino)) break;
    last = each;
  }
  return last;
}

function nameBytes(name: string): Uint8Array | string {
  return isEscaped(name) ? encodeName(name) : name;
}

/** Entries that fit into an answer of `size` bytes when their names are as short as can be; never none. */
function mostEntries(size: number, plus: boolean): number {
  const least = DIRENT.name + 8 + (plus ? ENTRY_OUT.SIZE : 0);
  // Few different numbers, because each has a query of its own.
  return 2 ** Math.ceil(Math.log2(Math.max(1, size / least)));
}
