/**
 * Mounts the tree and keeps it mounted: the main thread's side. The FUSE thread answers the kernel, the notify thread tells
 * it what changed; here are their beginning and end, and the one thing the mount writes: versions of files that were met at
 * their origin before a scan saw them.
 */
import { closeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { Catalog } from '../catalog/catalog.js';
import { startLastingThread } from '../config/threads.js';
import { errorMessage, FacetError } from '../errors.js';
import { contentsRoot, openRoot } from '../sources/local.js';
import { isRemote as isRemoteUri } from '../sources/open-remote.js';
import { TreeChangeReader } from '../tree/tree-changes.js';
import type { OpenRemoteContents } from '../volume/contents.js';
import type { MappedFolder } from '../volume/mapped-folders.js';
import { createAccessRing } from './access-ring.js';
import { keepAccessTimes } from './access-times.js';
import type { Ownership } from './attributes.js';
import type { FuseThreadData, FuseThreadMessage, Sighted } from './fuse-thread.js';
import { findHolders } from './holders.js';
import { OPCODE } from './kernel/abi.js';
import { openMount, unmount } from './kernel/fusermount.js';
import type { Negotiated } from './kernel/handlers.js';
import type { SessionState } from './kernel/operations.js';
import { createRequestCounters } from './kernel/session.js';
import { createStopSwitch, stopSession } from './kernel/stop.js';
import { prepareMountpoint } from './mountpoint.js';
import type { NotifyThreadData } from './notify-thread.js';
import { createOpenFileTable } from './open-file-table.js';
import { raiseReadAhead } from './read-ahead.js';
import type { CacheSettings, RemoteMessage } from './remote-files.js';
import { RemoteReads } from './remote-reads.js';
import { isSameVersion } from './sightings.js';

/** Bytes that the kernel asks for at once. */
const MAX_READ = 1 << 20;

export interface MountOptions {
  owner: Ownership;
  allowOther: boolean;
  /** Where contents from afar are kept, and the way to those that are not there. */
  cache: CacheSettings;
  /** Folders of this machine that show files of remote sources. */
  mounts: readonly MappedFolder[];
  openRemote: OpenRemoteContents;
  /** What went wrong without ending the mount. */
  onWarning: (message: string) => void;
}

/** Numbers of requests of the kernel since the tree was mounted. */
export interface MountStats {
  requests: number;
  lookups: number;
  listings: number;
  opens: number;
  reads: number;
}

export interface Mounted {
  mountpoint: string;
  negotiated: Negotiated;
  /** What the kernel has asked for so far. */
  stats(): MountStats;
  /** Unmounts. Throws `in-use` while files in it are open, unless `lazy`. */
  unmount(options?: { lazy?: boolean }): Promise<void>;
  /** Settles when the tree is no longer mounted, whoever unmounted it. */
  ended: Promise<void>;
}

/** Mounts the catalog's tree on `path`. Throws as `prepareMountpoint` and `openMount` do. */
export async function mount(catalog: Catalog, path: string, options: MountOptions): Promise<Mounted> {
  const mountpoint = await prepareMountpoint(path, sourceRoots(catalog), () =>
    options.onWarning(`${path} was left behind by a facet that was killed; it is mounted anew`),
  );
  const fromSeq = new TreeChangeReader(catalog.db).lastSeq();
  const device = await openMount(mountpoint, {
    allowOther: options.allowOther,
    defaultPermissions: true,
    fsname: 'facet',
    subtype: 'facet',
    maxRead: MAX_READ,
  });
  const threads = new Threads(catalog, device, mountpoint, fromSeq, options);
  try {
    const negotiated = await threads.ready;
    raiseReadAhead(mountpoint, MAX_READ);
    threads.prepare();
    return {
      mountpoint,
      negotiated,
      stats: () => statsOf(threads.requests),
      unmount: options => unmountAndStop(mountpoint, threads, options?.lazy ?? false),
      ended: threads.ended,
    };
  } catch (error) {
    await unmountAndStop(mountpoint, threads, true).catch(() => {});
    await threads.ended.catch(() => {});
    throw error;
  }
}

async function unmountAndStop(mountpoint: string, threads: Threads, lazy: boolean): Promise<void> {
  try {
    await unmount(mountpoint, { lazy });
  } catch (error) {
    // Somebody else was faster.
    if (!(error instanceof FacetError && error.code === 'not-found')) throw namingHolders(error, mountpoint);
  } finally {
    // Also when it cannot be unmounted: with the threads ends what keeps the process alive.
    if (lazy) await threads.stop();
  }
}

function statsOf(counts: Float64Array): MountStats {
  const of = (...opcodes: number[]) => opcodes.reduce((sum, opcode) => sum + (counts[opcode] ?? 0), 0);
  return {
    requests: counts.reduce((sum, each) => sum + each, 0),
    lookups: of(OPCODE.LOOKUP),
    listings: of(OPCODE.OPENDIR),
    opens: of(OPCODE.OPEN),
    reads: of(OPCODE.READ),
  };
}

/** Says who uses a mount that cannot be unmounted. */
function namingHolders(error: unknown, mountpoint: string): unknown {
  if (!(error instanceof FacetError) || error.code !== 'in-use') return error;
  const holders = findHolders(mountpoint).map(({ pid, program }) => `${program} (${pid})`);
  if (holders.length === 0) return error;
  return new FacetError('in-use', `${mountpoint} is in use by ${holders.join(', ')}`, {
    path: mountpoint,
    cause: error,
    hint: 'end them, or leave the folder with cd',
  });
}

/** The real roots of the sources that are there now. */
function sourceRoots(catalog: Catalog): string[] {
  return catalog.sources.all().flatMap(source => {
    try {
      const holder = catalog.sources.holderOf(source);
      if (isRemoteUri(holder.uri)) return [];
      return [openRoot(contentsRoot(holder))];
    } catch {
      return [];
    }
  });
}

class Threads {
  readonly ready: Promise<Negotiated>;
  readonly ended: Promise<void>;
  readonly requests = createRequestCounters();
  readonly #stopSwitch = createStopSwitch();
  readonly #notifyStop = new Int32Array(new SharedArrayBuffer(4));
  readonly #device: number;
  readonly #catalog: Catalog;
  readonly #options: MountOptions;
  readonly #reads: RemoteReads;
  readonly #accessTimes: { stop(): void };

  constructor(catalog: Catalog, device: number, mountpoint: string, fromSeq: number, options: MountOptions) {
    this.#catalog = catalog;
    this.#device = device;
    this.#options = options;
    this.#reads = new RemoteReads({ device, ...options });
    const { file: catalogFile } = catalog;
    const openFiles = createOpenFileTable();
    const accesses = createAccessRing();
    this.#accessTimes = keepAccessTimes(catalogFile, accesses);
    const fuse = startLastingThread<FuseThreadData>(new URL('./fuse-thread.js', import.meta.url), {
      device,
      catalogFile,
      mountpoint,
      owner: options.owner,
      maxRead: MAX_READ,
      passthrough: process.geteuid?.() === 0,
      stopSwitch: this.#stopSwitch,
      openFiles,
      accesses,
      cache: options.cache,
      mounts: options.mounts,
      requests: this.requests,
    });
    const notify = startLastingThread<NotifyThreadData>(new URL('./notify-thread.js', import.meta.url), {
      device,
      catalogFile,
      fromSeq,
      openFiles,
      stopFlag: this.#notifyStop,
    });
    this.ready = this.#whenReady(fuse);
    fuse.on('message', (message: FuseThreadMessage) => this.#onMessage(message));
    notify.on('message', (message: string) => options.onWarning(`changes reach the mount late: ${message}`));
    notify.on('error', error =>
      options.onWarning(`changes no longer reach the mount: ${errorMessage(error)}`),
    );
    this.ended = this.#whenEnded(fuse, notify);
    // Whoever mounts looks at it; nobody can before the mount is ready.
    this.ended.catch(() => {});
  }

  /** After whoever waits for the mount has it. */
  prepare(): void {
    if (!this.#catalog.sources.all().some(({ uri }) => isRemoteUri(uri))) return;
    setImmediate(() => void this.#reads.prepare());
  }

  /** Ends the threads, whether the kernel still needs them or not. */
  stop(): Promise<void> {
    return stopSession(this.#stopSwitch);
  }

  #whenReady(fuse: Worker): Promise<Negotiated> {
    return new Promise((resolve, reject) => {
      fuse.on('message', (message: FuseThreadMessage) => {
        if (message.kind === 'ready') resolve(message.negotiated);
      });
      fuse.once('error', reject);
      fuse.once('exit', () => reject(new FacetError('failed', 'the mount ended before it was ready')));
    });
  }

  /** Rejects when it was neither unmounted nor stopped. */
  async #whenEnded(fuse: Worker, notify: Worker): Promise<void> {
    let failure: unknown;
    fuse.on('error', error => {
      failure = error;
    });
    fuse.on('message', (message: FuseThreadMessage) => {
      if (message.kind === 'ended' && BROKEN.has(message.state)) failure = brokenOff(message.state);
    });
    const notifyExited = exit(notify);
    await exit(fuse);
    this.#accessTimes.stop();
    this.#reads.close();
    Atomics.store(this.#notifyStop, 0, 1);
    await notifyExited;
    closeSync(this.#device);
    if (failure !== undefined) throw failure;
  }

  #onMessage(message: FuseThreadMessage): void {
    if (message.kind === 'fault') {
      this.#options.onWarning(`request ${message.opcode} failed: ${message.message}`);
    }
    if (isRemote(message)) this.#reads.onMessage(message);
    if (message.kind !== 'sighting') return;
    try {
      recordSighting(this.#catalog, message);
    } catch (error) {
      this.#options.onWarning(`cannot record a changed file: ${errorMessage(error)}`);
    }
  }
}

function isRemote(message: FuseThreadMessage): message is RemoteMessage {
  return message.kind.startsWith('remote-');
}

function exit(worker: Worker): Promise<void> {
  return new Promise(resolve => {
    worker.once('exit', () => resolve());
  });
}

/** Ends of a session that nobody asked for. */
const BROKEN: ReadonlySet<SessionState> = new Set<SessionState>(['broken', 'unsupported']);

function brokenOff(state: SessionState): FacetError {
  const reason =
    state === 'unsupported'
      ? 'this kernel is too old (FUSE before 7.12)'
      : 'the kernel broke the connection off';
  return new FacetError('failed', `the mount ended: ${reason}`, { hint: 'mount it again' });
}

/** Brings the catalog up to date with a version that the FUSE thread met. */
function recordSighting(catalog: Catalog, { ino, seen, known }: Sighted): void {
  catalog.write(writer => {
    const file = catalog.files.get(ino);
    // A scan may have brought a later version meanwhile.
    if (!file || file.deletedAt !== null || !isSameVersion(file, known)) return;
    const { size, mtimeUs } = seen;
    writer.modifyFile(catalog.sources.get(file.source), file.folderPath, file, { ...file, size, mtimeUs });
  });
}
