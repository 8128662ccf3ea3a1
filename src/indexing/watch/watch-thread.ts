/**
 * The thread that keeps one local source true: it waits for the kernel to tell what changes, and lists those folders again.
 * A complete scan comes first, and whenever something may have been missed; it puts a watch on each folder before it lists
 * it, so that there is no gap.
 *
 * The source is locked only while it is listed and written, so any number of watchers and scans get their turn.
 */
import { closeSync, openSync, statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord } from '../../catalog/sources.js';
import { errorMessage, FacetError } from '../../errors.js';
import { Crawler, type CrawlOptions } from '../../sources/crawl.js';
import { MOUNT_TABLE, mountsBelow } from '../../sources/facet-mounts.js';
import { openRoot } from '../../sources/local.js';
import { waitingTime } from '../../sources/retry.js';
import type { FolderListing } from '../../sources/source.js';
import { openCatalog } from '../../tree/open-catalog.js';
import { type CrawlSummary, crawlHere } from '../crawl.js';
import type { Batch } from '../keeper.js';
import { batchOf, scan } from '../scan.js';
import { secondsSince } from '../seconds-since.js';
import { Changes } from './changes.js';
import { type Awaited, Inotify, openWake, POLLIN, POLLPRI, waitFor } from './inotify.js';
import { hintToAllowMore, isTooManyInstances } from './inotify-limits.js';
import { Relisting } from './relist.js';

export interface WatchThreadData {
  catalogFile: string;
  sourceId: number;
  /** Globs excluded besides the source's own. */
  exclude: readonly string[];
  /** [0] is 1 once the thread is to stop. */
  stopFlag: Int32Array;
}

export type WatchMessage =
  /** Whoever writes eight bytes to the descriptor wakes the thread, to look at the flag. */
  | { kind: 'ready'; wake: number }
  | { kind: 'batch'; batch: Batch }
  | { kind: 'problem'; message: string; hint: string | undefined };

/** Events are left to gather for so long after the first one: the kernel makes one of many that are the same. */
const GATHER_MS = 20;

/** A source that somebody else is scanning is looked at again after this. */
const LOCKED_MS = 100;

/** A source that could not be scanned is scanned again so much later, or as soon as it seems to be another one. */
const RETRY = { firstWaitMs: 1_000, longestWaitMs: 60_000 };
/** A failure after it was in order for so long has nothing to do with those before. */
const IN_ORDER_MS = 60_000;

const LOOK_MS = 1_000;

/** Without events the thread looks around so often: at the clock, at the root, and whether folders have no watch. */
const IDLE_MS = 60_000;

/** The clock went on so much longer than the thread: the machine slept. */
const SLEPT_MS = 10_000;

/** How often folders without a watch are listed, unless the source says how often. */
const UNWATCHED_EVERY_MS = 300_000;

const PRUNE_EVERY_MS = 24 * 3_600_000;

/** Moves that happen while folders are listed bring more folders; a program that never stops moving does not hold up all. */
const MOST_ROUNDS = 10;

/** For the second halves of what is told of moves; files that are moved out of the source have none. */
const LONGEST_MOVE_MS = 200;

class Watcher {
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  readonly #data: WatchThreadData;
  readonly #wake: Awaited;
  readonly #mounts: Awaited = { descriptor: openSync(MOUNT_TABLE, 'r'), condition: POLLPRI };
  #inotify: Inotify | undefined;
  #changes: Changes | undefined;
  #root = '';
  /** Which folder the root was when it was scanned. */
  #rootIdentity = '';
  /** What was mounted below it then. */
  #mounted = '';
  #problem = '';
  #failures = 0;
  #failedAt = 0;
  #scannedAt = 0;
  #prunedAt = performance.now();
  #clockAhead = 0;

  constructor(catalog: Catalog, source: SourceRecord, data: WatchThreadData, wake: number) {
    this.#catalog = catalog;
    this.#source = source;
    this.#data = data;
    this.#wake = { descriptor: wake, condition: POLLIN };
  }

  /** Until it is to stop, or the source is removed. */
  async run(): Promise<void> {
    while (!this.#isOver()) {
      if (await this.#scan()) this.#follow();
    }
    this.#inotify?.close();
    closeSync(this.#mounts.descriptor);
  }

  #isOver(): boolean {
    return Atomics.load(this.#data.stopFlag, 0) === 1 || !this.#catalog.sources.withId(this.#source.id);
  }

  /** Everything, with a watch on each folder. Returns whether the source is in order now. */
  async #scan(): Promise<boolean> {
    try {
      this.#begin();
      const result = await scan(this.#catalog, this.#record(), {
        exclude: this.#data.exclude,
        lockMs: 0,
        crawl: options => this.#crawl(options),
      });
      post({ kind: 'batch', batch: batchOf(result) });
      this.#scannedAt = performance.now();
      this.#prunedAt = this.#scannedAt;
      if (this.#changes?.folders.unwatched === 0) this.#problem = '';
      this.#tellUnwatched();
      return true;
    } catch (error) {
      if (this.#isOver()) return false;
      if (error instanceof FacetError && error.code === 'in-use') waitFor([this.#wake], LOCKED_MS);
      else this.#failed(error);
      return false;
    }
  }

  #record(): SourceRecord {
    return this.#catalog.sources.withId(this.#source.id) ?? this.#source;
  }

  #begin(): void {
    this.#inotify?.close();
    this.#inotify = undefined;
    this.#root = openRoot(this.#source.uri);
    this.#rootIdentity = this.#identity();
    this.#mounted = mountsBelow(this.#root).join();
    this.#inotify = new Inotify();
    const { follow } = this.#source.options;
    this.#changes = new Changes(this.#inotify, this.#root, follow, this.#catalog.file);
    this.#clockAhead = clockAhead();
  }

  async *#crawl(options: CrawlOptions): AsyncGenerator<FolderListing[], CrawlSummary> {
    const changes = this.#changes;
    if (!changes) throw new Error('there is nothing to tell the watcher what changes');
    const crawler = new Crawler(options, (path, folder) => {
      changes.folders.add(path, folder);
      return true;
    });
    for (const listings of crawlHere(crawler, options.root)) {
      yield listings;
      changes.noteLinked(crawler.linked);
      changes.drain();
      if (this.#isOver()) throw new FacetError('interrupted', 'the watcher was stopped');
    }
    changes.listed(crawler);
    return crawler;
  }

  /** Brings changes, until the source has to be scanned as a whole. */
  #follow(): void {
    let notBefore = 0;
    for (const changes = this.#changes; changes && !this.#isOver(); ) {
      try {
        changes.drain();
        if (this.#mustScan(changes)) return;
        this.#pruneDaily();
        const now = performance.now();
        const dueAt = Math.max(changes.dirty.nextAt() ?? Number.POSITIVE_INFINITY, notBefore);
        if (dueAt > now) this.#wait(dueAt - now, changes);
        else notBefore = this.#relist(changes);
      } catch (error) {
        this.#failed(error);
        return;
      }
    }
  }

  #wait(milliseconds: number, changes: Changes): void {
    const before = performance.now();
    const any = [this.#wake, this.#mounts, changes.events];
    waitFor(any, Math.min(milliseconds, IDLE_MS, this.#unwatchedIn(changes)));
    const waited = performance.now() - before;
    if (waited < milliseconds && waited < IDLE_MS) waitFor([this.#wake], GATHER_MS);
  }

  /** Also where something changes all the time: that is where most is to be forgotten. */
  #pruneDaily(): void {
    if (performance.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = performance.now();
    this.#catalog.prune();
  }

  #unwatchedIn({ folders }: Changes): number {
    if (folders.unwatched === 0) return Number.POSITIVE_INFINITY;
    const { every = UNWATCHED_EVERY_MS } = this.#source.options;
    return Math.max(this.#scannedAt + every - performance.now(), 0);
  }

  #mustScan(changes: Changes): boolean {
    const identity = this.#identity();
    if (identity === '') this.#lost();
    if (changes.rootIsGone || identity !== this.#rootIdentity) return true;
    if (this.#mounted !== mountsBelow(this.#root).join()) return true;
    return changes.overflowed || this.#unwatchedIn(changes) === 0 || this.#hasSlept();
  }

  #hasSlept(): boolean {
    return Math.abs(clockAhead() - this.#clockAhead) > SLEPT_MS;
  }

  /** Returns when the next listing may begin: one half of the time belongs to others. */
  #relist(changes: Changes): number {
    const startedAt = performance.now();
    let lock: { release(): void };
    try {
      lock = this.#catalog.lockSource(this.#source, 0);
    } catch (error) {
      if (error instanceof FacetError && error.code === 'in-use') return startedAt + LOCKED_MS;
      throw error;
    }
    try {
      if (!this.#isOver()) this.#relistLocked(changes, startedAt);
    } finally {
      lock.release();
    }
    const now = performance.now();
    return now + (now - startedAt);
  }

  #relistLocked(changes: Changes, startedAt: number): void {
    const { include, exclude, follow } = this.#source.options;
    const all = [...exclude, ...this.#data.exclude];
    const options = { root: this.#root, include, exclude: all, follow };
    const relisting = new Relisting(this.#catalog, this.#source, options, changes.folders);
    let folders = changes.dirty.take(startedAt);
    for (let round = 1; folders.size > 0 && round <= MOST_ROUNDS; round++) {
      relisting.list(folders);
      changes.noteLinked(relisting.linked);
      // What was moved out of these folders before they were listed has been told by then.
      this.#drainMoves(changes);
      folders = changes.dirty.takePartnersOf(relisting.listed);
    }
    for (const [path, deep] of folders) changes.dirty.mark(path, performance.now(), deep);
    changes.listed(relisting);
    // A disk that was unmounted meanwhile has taken nothing with it.
    if (changes.rootIsGone || changes.overflowed || this.#identity() !== this.#rootIdentity) return;
    relisting.finish();
    this.#report(relisting, startedAt);
    this.#tellUnwatched();
  }

  #drainMoves(changes: Changes): void {
    changes.drain();
    const latest = performance.now() + LONGEST_MOVE_MS;
    while (!this.#isOver()) {
      const until = Math.min(changes.moveOpenUntil(), latest);
      if (until <= performance.now()) return;
      waitFor([this.#wake, changes.events], until - performance.now());
      changes.drain();
    }
  }

  #report({ counts }: Relisting, startedAt: number): void {
    const { added, modified, renamed, deleted } = counts;
    if (added + modified + renamed + deleted === 0) return;
    const seconds = secondsSince(startedAt);
    const at = new Date().toISOString();
    const source = this.#source.name;
    post({
      kind: 'batch',
      batch: { source, at, extent: 'changes', added, modified, renamed, deleted, seconds },
    });
  }

  #tellUnwatched(): void {
    const unwatched = this.#changes?.folders.unwatched ?? 0;
    if (unwatched === 0) return;
    const { every = UNWATCHED_EVERY_MS } = this.#source.options;
    this.#tell(
      `${this.#root} has more folders than may be watched; it is scanned every ${Math.round(every / 1000)} s instead`,
      hintToAllowMore('max_user_watches'),
    );
  }

  /** There is no folder: its disk was unmounted, or it was moved away. Another one in its place is for the scan to judge. */
  #lost(): void {
    const { uri } = this.#source;
    const message = `${this.#root} is not where it was: it was unmounted, moved or removed`;
    this.#fail(message, `what is known of it is kept; it is watched again when ${uri} is back`);
    this.#untilItSeemsBack(Number.POSITIVE_INFINITY);
  }

  #failed(error: unknown): void {
    const hint = error instanceof FacetError ? error.hint : undefined;
    if (isTooManyInstances(error))
      this.#fail('too many programs use inotify', hintToAllowMore('max_user_instances'));
    else this.#fail(errorMessage(error), hint);
    this.#untilItSeemsBack(this.#nextWaitMs());
  }

  #nextWaitMs(): number {
    const now = performance.now();
    const wasInOrder = this.#scannedAt > this.#failedAt && now - this.#scannedAt > IN_ORDER_MS;
    if (wasInOrder) this.#failures = 0;
    this.#failedAt = now;
    return waitingTime(++this.#failures, RETRY);
  }

  #fail(message: string, hint: string | undefined): void {
    this.#tell(message, hint);
    try {
      this.#catalog.write(() => this.#catalog.sources.setUnavailable(this.#source.id, message, hint));
    } catch {
      // The catalog itself may be what is wrong: a full disk, for example.
    }
  }

  #tell(message: string, hint: string | undefined): void {
    if (message !== this.#problem) post({ kind: 'problem', message, hint });
    this.#problem = message;
  }

  /** Waits until another folder is where the root is looked for, or somebody else has scanned it. */
  #untilItSeemsBack(atMostMs: number): void {
    const state = () => `${this.#identity()} ${this.#record().state.lastScan}`;
    const before = state();
    const until = performance.now() + atMostMs;
    while (performance.now() < until && !this.#isOver() && state() === before) waitFor([this.#wake], LOOK_MS);
  }

  /** '' where there is no folder. */
  #identity(): string {
    try {
      const { dev, ino } = statSync(openRoot(this.#source.uri));
      return `${dev}:${ino}`;
    } catch {
      return '';
    }
  }
}

/** By how many ms the clock of the day is ahead of the one that stands still while the machine sleeps. */
function clockAhead(): number {
  return Date.now() - performance.now();
}

function post(message: WatchMessage): void {
  parentPort?.postMessage(message);
}

async function run(data: WatchThreadData): Promise<void> {
  const catalog = openCatalog(data.catalogFile, 'write');
  try {
    const source = catalog.sources.withId(data.sourceId);
    if (!source) return;
    const wake = openWake();
    post({ kind: 'ready', wake });
    await new Watcher(catalog, source, data, wake).run();
  } finally {
    catalog.close();
  }
}

await run(workerData as WatchThreadData);
