/**
 * Brings missing bytes of remote files into the cache and to whoever waits for them, over all files of a process: as many
 * requests as one budget of memory allows, those first that somebody waits for, and each file in its turn.
 */

import { BLOCK_SIZE } from '../cache/blocks.js';
import { FacetError } from '../errors.js';
import type { BlobStore, RemoteContent } from './blob.js';
import { Budget, type Priority, rank } from './budget.js';
import { Follower } from './follower.js';
import { KeptBlocks } from './kept-blocks.js';
import { type PartLimits, partLimits } from './part-limits.js';
import { RateLimit } from './rate-limit.js';
import { SafeBlob } from './safe-blob.js';
import { type NextRange, Transfer, type TransferHost } from './transfer.js';
import { Want, type WantOptions } from './want.js';
import { WriteBacklog } from './write-backlog.js';

/** Of the limits those of files that are not large. */
export interface DownloadOptions extends Partial<PartLimits> {
  cache: BlobStore;
  /** The source has another version by now: time to look, and to tell the catalog. Readers of this one get the error. */
  onChanged: (content: RemoteContent, error: FacetError) => void;
  /** Contents that had become whole were not what they are to be, and the cache has forgotten them. */
  onDamaged?: (content: RemoteContent, error: FacetError) => void;
  /** Bytes under way at a time, over all files. */
  budget?: number;
  /** Bytes per second, over all files. */
  limitRate?: number | undefined;
}

export interface EnsureOptions extends Pick<WantOptions, 'onBytes'> {
  signal?: AbortSignal;
  priority?: Priority;
}

/** What somebody waits for. */
type Wanted = Omit<WantOptions, 'onEnd'>;

export interface DownloadCounts {
  /** Bytes that readers were given: from the cache, or as they arrived. */
  read: { cache: number; remote: number };
  /** Bytes that arrived from sources. */
  downloaded: number;
  /** Requests that were begun, and those of them that ended with an error. */
  requests: number;
  errors: number;
  /** Now: requests under way, the bytes that they have room for, and readers that wait. */
  underWay: number;
  bytesUnderWay: number;
  waiting: number;
}

const BUDGET = 256 * BLOCK_SIZE;

/** Blocks that wait for the disk, over all files, before the network waits as well. */
const BACKLOG = 16 * BLOCK_SIZE;
/** Blocks that the cache did not take, over all files. */
const KEPT = 64 * BLOCK_SIZE;
/** How far a stream is ahead of its reader when the cache takes nothing. */
const STREAM_UNCACHED = 8 * BLOCK_SIZE;

/** A stream's first piece is small, so that it comes soon. */
const FIRST_PIECE = 64 * 1024;
const LARGEST_PIECE = BLOCK_SIZE;

export class Downloader implements TransferHost {
  readonly #options: DownloadOptions;
  readonly #budget: Budget;
  readonly #rate: RateLimit | undefined;
  readonly #kept = new KeptBlocks(KEPT);
  readonly #backlog = new WriteBacklog(BACKLOG);
  /** By key; those that are not idle. */
  readonly #transfers = new Map<string, Transfer>();
  /** Of versions that are no more, until their connections are free. */
  readonly #ending = new Set<Transfer>();
  readonly #counts = { cache: 0, remote: 0, downloaded: 0, requests: 0, errors: 0, waiting: 0 };
  #turning = false;
  #closed = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
    const { budget = BUDGET, limitRate } = options;
    this.#budget = new Budget(budget);
    this.#rate = limitRate === undefined ? undefined : new RateLimit(limitRate);
  }

  get counts(): DownloadCounts {
    const { cache, remote, ...counts } = this.#counts;
    let underWay = 0;
    for (const transfer of this.#all()) underWay += transfer.requests;
    return { read: { cache, remote }, ...counts, underWay, bytesUnderWay: this.#budget.taken };
  }

  /**
   * The bytes from `start` up to, not including, `end`, or to the end of the file: as soon as they are there, whatever else
   * is on its way. They are at the beginning of `into`, if that is given. Throws what the source throws, and the signal's
   * reason. A cache that cannot be used is no error.
   */
  async read(
    content: RemoteContent,
    start: number,
    end: number,
    signal?: AbortSignal,
    into?: Buffer,
  ): Promise<Buffer> {
    return this.#read(content, { start, end, priority: 'read' }, signal, into);
  }

  /** Brings a range into the cache for good. Throws as `read` does, and what the cache throws: `no-space` when it is full. */
  async ensure(
    content: RemoteContent,
    start: number,
    end: number,
    { signal, priority = 'bulk', onBytes }: EnsureOptions = {},
  ): Promise<void> {
    const transfer = this.#hold(content);
    const last = Math.min(end, content.size);
    try {
      await this.#wait(transfer, { start, end: last, priority, onBytes }, signal);
      await transfer.commit();
      if (!transfer.blob.isCached(start, last)) throw transfer.blob.lastFailure ?? notKept(content);
    } finally {
      this.#release(transfer);
    }
  }

  /**
   * Brings all that `store` lacks of the contents, whose key is of this store and no other. When it settles, nothing more comes.
   * Throws as `read` does; what the store throws is for the caller to notice.
   */
  async fill(content: RemoteContent, store: BlobStore, signal: AbortSignal): Promise<void> {
    const transfer = this.#hold(content, store);
    try {
      await this.#wait(transfer, { start: 0, end: content.size, priority: 'bulk' }, signal);
    } catch (error) {
      // A server that hangs may be what made the caller give up.
      transfer.abort();
      throw error;
    } finally {
      await transfer.ended();
      // What the store did not take is in memory, and must not be taken for something that is there.
      transfer.blob.forget();
      this.#release(transfer);
    }
    signal.throwIfAborted();
  }

  /**
   * A range in pieces, in order. What comes next is on its way while the reader is busy with a piece. With `into`, a block
   * large, each of them lies there and is gone with the next one. Throws as `read` does.
   */
  async *stream(
    content: RemoteContent,
    start: number,
    end: number,
    signal?: AbortSignal,
    into?: Buffer,
  ): AsyncGenerator<Buffer> {
    const transfer = this.#hold(content);
    const last = Math.min(end, content.size);
    let ahead: Want | undefined;
    try {
      for (let at = start, size = FIRST_PIECE; at < last; at += size) {
        size = Math.min(at === start ? size : size * 2, LARGEST_PIECE);
        ahead = this.#slide(transfer, ahead, at, last);
        yield await this.#read(
          content,
          { start: at, end: Math.min(at + size, last), priority: 'bulk' },
          signal,
          into,
        );
      }
    } finally {
      if (ahead) transfer.drop(ahead);
      this.#release(transfer);
    }
  }

  /** Reads ahead for one open handle, until that is closed. */
  follow(content: RemoteContent): Follower {
    const transfer = this.#hold(content);
    return new Follower(transfer, () => this.#release(transfer));
  }

  /** Gives everything up; whoever waits gets an error. Resolves when no connection is in use any more. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#all()];
    const error = new FacetError('interrupted', 'the download was stopped');
    for (const transfer of all) transfer.fail(error);
    await Promise.all(all.map(transfer => transfer.ended()));
  }

  /** Who waits for just these bytes gets them before the disk. */
  throttle(bytes: number, priority: Priority, signal: AbortSignal): Promise<void> | undefined {
    const room = priority === 'read' ? undefined : this.#backlog.room(signal);
    const turn = this.#rate?.take(bytes, rank(priority), signal);
    return room && turn ? room.then(() => turn) : (room ?? turn);
  }

  onArrived(bytes: number): void {
    this.#counts.downloaded += bytes;
  }

  onFreed(bytes: number): void {
    this.#budget.give(bytes);
    this.#turn();
  }

  onWrite(bytes: number): void {
    this.#backlog.begin(bytes);
  }

  onWritten(bytes: number): void {
    this.#backlog.end(bytes);
    this.onFreed(bytes);
  }

  onError(transfer: Transfer, error: unknown): void {
    this.#counts.errors++;
    if (!(error instanceof FacetError) || error.code !== 'content-changed') return;
    this.#retire(transfer);
    this.#options.onChanged(transfer.content, error);
  }

  onDamaged({ content }: Transfer, error: FacetError): void {
    this.#options.onDamaged?.(content, error);
  }

  onTurn(transfer: Transfer): void {
    this.#closeIdle(transfer);
    this.#turn();
  }

  async #read(
    content: RemoteContent,
    { start, end, priority }: NextRange,
    signal: AbortSignal | undefined,
    into?: Buffer,
  ): Promise<Buffer> {
    signal?.throwIfAborted();
    const size = Math.max(0, Math.min(end, content.size) - start);
    const target = into?.subarray(0, size) ?? Buffer.allocUnsafe(size);
    const transfer = this.#hold(content);
    try {
      if (transfer.blob.read(target, start)) this.#counts.cache += target.length;
      else await this.#wait(transfer, { start, end: start + target.length, priority, target }, signal);
      return target;
    } finally {
      this.#release(transfer);
    }
  }

  async #wait(transfer: Transfer, range: Wanted, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw new FacetError('interrupted', 'the download was stopped');
    this.#counts.waiting++;
    try {
      await this.#arrival(transfer, range, signal);
    } finally {
      this.#counts.waiting--;
    }
  }

  #arrival(transfer: Transfer, range: Wanted, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEnd = (error?: unknown) => {
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const want = new Want({ ...range, onEnd });
      const onAbort = () => {
        transfer.drop(want);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const present = transfer.add(want);
      if (range.target) this.#countRead(present, range.target.length);
    });
  }

  #countRead(present: number, size: number): void {
    this.#counts.cache += present;
    this.#counts.remote += size - present;
  }

  /** Wants the whole parts that follow `at`, as many as may be under way, and returns that want. */
  #slide(transfer: Transfer, before: Want | undefined, at: number, last: number): Want {
    const { parallel, partSize } = partLimits(transfer.content.size, this.#options);
    const full = (Math.floor(at / partSize) + 1 + parallel) * partSize;
    const end = Math.min(transfer.blob.failure ? at + STREAM_UNCACHED : full, last);
    if (before && before.end >= end) return before;
    const want = new Want({ start: at, end, priority: 'bulk', onEnd: () => {} });
    transfer.add(want);
    if (before) transfer.drop(before);
    return want;
  }

  #hold(content: RemoteContent, store = this.#options.cache): Transfer {
    const known = this.#transfers.get(content.key);
    const transfer = known ?? this.#open(content, store);
    transfer.holds++;
    return transfer;
  }

  #open(content: RemoteContent, store: BlobStore): Transfer {
    const blob = new SafeBlob(store, content, this.#kept);
    const transfer = new Transfer(content, blob, partLimits(content.size, this.#options), this);
    this.#transfers.set(content.key, transfer);
    return transfer;
  }

  #release(transfer: Transfer): void {
    transfer.holds--;
    this.#closeIdle(transfer);
  }

  #closeIdle(transfer: Transfer): void {
    if (!transfer.idle) return;
    const known = this.#ending.delete(transfer) || this.#forget(transfer);
    if (known) transfer.blob.close();
  }

  #forget(transfer: Transfer): boolean {
    const { key } = transfer.content;
    return this.#transfers.get(key) === transfer && this.#transfers.delete(key);
  }

  /** Later reads begin anew, with nothing of this one. */
  #retire(transfer: Transfer): void {
    if (this.#forget(transfer)) this.#ending.add(transfer);
  }

  *#all(): Generator<Transfer> {
    yield* this.#transfers.values();
    yield* this.#ending;
  }

  /** Requests what there is room for, after everybody who asks in this moment has asked. */
  #turn(): void {
    if (this.#turning || this.#closed) return;
    this.#turning = true;
    queueMicrotask(() => {
      this.#turning = false;
      while (!this.#closed && this.#requestNext());
    });
  }

  #requestNext(): boolean {
    // Nothing finds room, so nobody needs to be asked.
    if (this.#budget.offer(BLOCK_SIZE, 'read') === 0) return false;
    const first = this.#first();
    if (!first) return false;
    const { transfer, start, end, priority } = first;
    const length = this.#budget.offer(end - start, priority);
    if (length === 0) return false;
    this.#budget.take(length);
    this.#counts.requests++;
    transfer.request(start, start + length);
    return true;
  }

  /** The most urgent range; of several the one whose file has the least under way. */
  #first(): (NextRange & { transfer: Transfer }) | undefined {
    let best: (NextRange & { transfer: Transfer }) | undefined;
    for (const transfer of this.#transfers.values()) {
      const range = transfer.next();
      if (range && (!best || isBefore(range.priority, transfer, best))) best = { ...range, transfer };
    }
    return best;
  }
}

function notKept({ place: { path } }: RemoteContent): FacetError {
  return new FacetError('failed', `the cache did not keep all of ${path}`, {
    path,
    hint: 'run the same command again',
  });
}

function isBefore(
  priority: Priority,
  transfer: Transfer,
  other: { priority: Priority; transfer: Transfer },
): boolean {
  const ranks = rank(priority) - rank(other.priority);
  return ranks < 0 || (ranks === 0 && transfer.bytesUnderWay < other.transfer.bytesUnderWay);
}
