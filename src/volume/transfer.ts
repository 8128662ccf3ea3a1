/**
 * What is under way for one version of one file: who wants which bytes, and the requests that bring them. No block is
 * requested while a request for it is under way; a request that nobody wants any more is given up.
 */

import { BLOCK_SIZE, blockEnd, blockStart } from '../cache/blocks.js';
import { type Interval, Intervals } from '../cache/intervals.js';
import { FacetError } from '../errors.js';
import type { RemoteContent } from './blob.js';
import { giveBlock } from './block-buffers.js';
import { type Priority, rank } from './budget.js';
import { Part, type PartOwner } from './part.js';
import type { PartLimits } from './part-limits.js';
import { presentOf, type SafeBlob } from './safe-blob.js';
import type { Want } from './want.js';

/** What a transfer tells whoever looks after all of them. */
export interface TransferHost {
  throttle(bytes: number, priority: Priority, signal: AbortSignal): Promise<void> | undefined;
  onArrived(bytes: number): void;
  /** So many bytes are not under way any more. */
  onFreed(bytes: number): void;
  /** The cache is given so many bytes to write; `onWritten` follows, and frees them. */
  onWrite(bytes: number): void;
  onWritten(bytes: number): void;
  onError(transfer: Transfer, error: unknown): void;
  /** The contents had become whole, and were other ones. */
  onDamaged(transfer: Transfer, error: FacetError): void;
  /** There may be something to request, or nothing left to do. */
  onTurn(transfer: Transfer): void;
}

/** A range to request, and for whom. */
export interface NextRange extends Interval {
  priority: Priority;
}

/** Requests beyond the limit for whom somebody waits: a seek need not wait for what was read ahead elsewhere. */
const URGENT = 4;

/** With this much to go a request is not given up. */
const NEARLY = BLOCK_SIZE;

/**
 * What has arrived is made to last this often: each time costs the disk a flush, whatever the number of blocks, but what is
 * left for the last one is what a caller of `ensure` waits for. All files do so at the same moments, because a disk flushes
 * many small files as fast as one.
 */
const COMMIT_MS = 250;

export class Transfer implements PartOwner {
  readonly content: RemoteContent;
  readonly blob: SafeBlob;
  /** Open handles that will be read from again. */
  holds = 0;
  readonly #host: TransferHost;
  readonly #limits: PartLimits;
  /** In the order in which they are served. */
  readonly #wants: Want[] = [];
  /** Those that will deliver; an aborted one is only in `running` until its connection is free. */
  readonly #parts = new Set<Part>();
  readonly #running = new Map<Part, Promise<void>>();
  #failure: { error: unknown } | undefined;
  /** Blocks on their way to the cache. */
  readonly #writes = new Set<Promise<void>>();
  #written = new Intervals();
  #committing: Promise<void> | undefined;
  #commitAgain = false;
  #commitTimer: NodeJS.Timeout | undefined;

  constructor(content: RemoteContent, blob: SafeBlob, limits: PartLimits, host: TransferHost) {
    this.content = content;
    this.blob = blob;
    this.#limits = limits;
    this.#host = host;
  }

  get idle(): boolean {
    const underWay = this.#wants.length + this.#running.size + this.#writes.size;
    return this.holds + underWay === 0 && !this.#committing && !this.#commitTimer;
  }

  get requests(): number {
    return this.#running.size;
  }

  /** Bytes that are requested and not written. */
  get bytesUnderWay(): number {
    let bytes = 0;
    for (const part of this.#running.keys()) bytes += part.open;
    return bytes;
  }

  /** Takes up a want; it may end at once. Returns the bytes that were there already. */
  add(want: Want): number {
    if (this.#failure) {
      want.onEnd(this.#failure.error);
      return 0;
    }
    if (want.target) this.#fill(want, want.target);
    else this.#notePresent(want);
    const present = want.end - want.start - want.left;
    if (want.left === 0) want.onEnd();
    else this.#enqueue(want);
    this.#host.onTurn(this);
    return present;
  }

  /** Gives a want up, and what only it wanted. */
  drop(want: Want): void {
    if (!this.#remove(want)) return;
    this.#abortUnwanted();
    this.#host.onTurn(this);
  }

  /** Ends everything that is under way, and whatever is asked of it later. Wants end with `error`. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.abort();
    for (const want of this.#wants.splice(0)) want.onEnd(error);
    this.#host.onTurn(this);
  }

  /** Gives up what is under way, though it were nearly there. */
  abort(): void {
    for (const part of [...this.#parts]) this.#abort(part);
  }

  /** Resolves when no connection is in use any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#running.values());
    await Promise.all(this.#writes);
    await this.commit();
  }

  /** What to request next, up to a whole part. */
  next(): NextRange | undefined {
    if (this.#wants.length === 0) return undefined;
    const claimed = this.#claimed();
    for (const want of this.#wants) {
      const most = this.#limits.parallel + (want.priority === 'read' ? URGENT : 0);
      if (this.#running.size >= most) continue;
      const free = this.#firstFree(want, claimed);
      if (free) return { priority: want.priority, start: free.start, end: this.#reach(free.start, claimed) };
    }
    return undefined;
  }

  /** Requests a range that `next` has named, or its beginning. */
  request(start: number, end: number): void {
    const part = new Part(this, start, end);
    this.#parts.add(part);
    this.#running.set(part, this.#run(part));
    // While the server is busy with the request.
    setImmediate(() => this.blob.reserve(start, end));
  }

  throttle(part: Part, bytes: number): Promise<void> | undefined {
    if (part.signal.aborted) return undefined;
    this.#host.onArrived(bytes);
    const wanting = this.#wants.find(want => want.gaps(part.at, part.end).length > 0);
    return this.#host.throttle(bytes, wanting?.priority ?? 'warm', part.signal);
  }

  onBytes(offset: number, bytes: Buffer): void {
    for (const want of this.#wants) if (want.target) want.take(offset, bytes);
    this.#endSatisfied();
  }

  onBlock(part: Part, offset: number, block: Buffer): void {
    const { length } = block;
    this.#host.onWrite(length);
    const write = this.#write(offset, block).finally(() => {
      this.#writes.delete(write);
      this.#host.onWritten(length);
      this.#host.onTurn(this);
    });
    this.#writes.add(write);
    for (const want of this.#wants) if (!want.target) want.note(offset, offset + length);
    this.#endSatisfied();
    if (part.at < part.end) this.#abortUnwanted();
    this.#commitSoon();
  }

  async #write(offset: number, block: Buffer): Promise<void> {
    const isWritten = await this.blob.write(offset, block);
    if (!isWritten) return;
    giveBlock(block);
    if (!this.blob.isForgotten) this.#written.add(offset, offset + block.length);
  }

  /** Makes all that has arrived last, one commit at a time. Never fails: `blob.failure` says why it could not. */
  commit(): Promise<void> {
    clearTimeout(this.#commitTimer);
    this.#commitTimer = undefined;
    this.#commitAgain = true;
    this.#committing ??= this.#commitAll();
    return this.#committing;
  }

  #commitSoon(): void {
    this.#commitTimer ??= setTimeout(() => void this.commit(), COMMIT_MS - (performance.now() % COMMIT_MS));
  }

  async #commitAll(): Promise<void> {
    while (this.#commitAgain) {
      this.#commitAgain = false;
      await Promise.all(this.#writes);
      const written = [...this.#written];
      this.#written = new Intervals();
      if (written.length > 0) await this.#commitBlocks(written);
    }
    // In the same moment as the look whether there is more: who asks in between would wait for what is over.
    this.#committing = undefined;
    this.#host.onTurn(this);
  }

  async #commitBlocks(written: readonly Interval[]): Promise<void> {
    await this.blob.commit(written);
    const { failure } = this.blob;
    if (failure instanceof FacetError && failure.code === 'integrity') this.#host.onDamaged(this, failure);
  }

  async #run(part: Part): Promise<void> {
    try {
      // The caller has not noted the part yet.
      await Promise.resolve();
      await part.run();
    } catch (error) {
      if (!part.signal.aborted) this.#failPart(part, error);
    }
    this.#parts.delete(part);
    this.#running.delete(part);
    this.#host.onFreed(part.open);
    this.#host.onTurn(this);
  }

  /** The error is for whoever waits for what this part was to bring, and for nobody else. */
  #failPart(part: Part, error: unknown): void {
    this.#parts.delete(part);
    this.#host.onError(this, error);
    if (error instanceof FacetError && error.code === 'content-changed') this.#failVersion(error);
    const hit = this.#wants.filter(want => want.gaps(part.at, part.end).length > 0);
    for (const want of hit) this.#remove(want);
    this.#abortUnwanted();
    for (const want of hit) want.onEnd(error);
  }

  /** What was written is of the other version, perhaps. */
  #failVersion(error: FacetError): void {
    this.#written = new Intervals();
    this.blob.forget();
    this.fail(error);
  }

  #abortUnwanted(): void {
    for (const part of [...this.#parts]) {
      const wanted = this.#wants.some(want => want.gaps(blockStart(part.at), part.end).length > 0);
      const nearly = part.at > part.start && part.end - part.at <= NEARLY;
      if (!wanted && !nearly) this.#abort(part);
    }
  }

  #abort(part: Part): void {
    this.#parts.delete(part);
    part.abort();
  }

  #enqueue(want: Want): void {
    const behind = this.#wants.findIndex(other => rank(other.priority) > rank(want.priority));
    this.#wants.splice(behind < 0 ? this.#wants.length : behind, 0, want);
  }

  #remove(want: Want): boolean {
    const at = this.#wants.indexOf(want);
    if (at >= 0) this.#wants.splice(at, 1);
    return at >= 0;
  }

  #endSatisfied(): void {
    for (const want of this.#wants.filter(each => each.left === 0)) {
      this.#remove(want);
      want.onEnd();
    }
  }

  #notePresent(want: Want): void {
    for (const { start, end } of presentOf(this.blob, want)) want.note(start, end);
  }

  #fill(want: Want, target: Buffer): void {
    for (const { start, end } of presentOf(this.blob, want)) {
      if (this.blob.read(target.subarray(start - want.start, end - want.start), start)) want.note(start, end);
    }
    for (const { begun } of this.#parts) if (begun) want.take(begun.offset, begun.bytes);
  }

  /** What the parts under way will bring. */
  #claimed(): Intervals {
    const claimed = new Intervals();
    for (const part of this.#parts) if (part.at < part.end) claimed.add(blockStart(part.at), part.end);
    return claimed;
  }

  #firstFree(want: Want, claimed: Intervals): Interval | undefined {
    for (const { start, end } of want.gaps()) {
      const [free] = claimed.gaps(blockStart(start), blockEnd(end, this.content.size));
      if (free) return free;
    }
    return undefined;
  }

  /** How far one request from `start` can go: as long as somebody wants the bytes, and none of them is under way. */
  #reach(start: number, claimed: Intervals): number {
    const limit = Math.min(start + this.#limits.partSize, this.content.size);
    const free = claimed.gaps(start, limit)[0]?.end ?? limit;
    const wanted = new Intervals();
    for (const want of this.#wants) {
      for (const gap of want.gaps(start, free)) {
        wanted.add(blockStart(gap.start), blockEnd(gap.end, this.content.size));
      }
    }
    return wanted.gaps(start, free)[0]?.start ?? free;
  }
}
