/**
 * A blob that never fails a read: what its cache cannot take, because the disk is full or broken, is kept in memory for a
 * moment instead, and so is what its cache is writing.
 */

import { BLOCK_SIZE, blockStart } from '../cache/blocks.js';
import { type Interval, Intervals } from '../cache/intervals.js';
import type { Blob, BlobStore, RemoteContent } from './blob.js';
import type { KeptBlocks } from './kept-blocks.js';

/** A full disk is asked again after this time: something may have been evicted. */
const RETRY_MS = 5_000;

export class SafeBlob {
  readonly #store: BlobStore;
  readonly #content: RemoteContent;
  readonly #kept: KeptBlocks;
  #blob: Blob | undefined;
  #failure: { error: unknown; at: number } | undefined;
  #lastFailure: unknown;
  #isForgotten = false;
  #isCommitting = false;

  constructor(store: BlobStore, content: RemoteContent, kept: KeptBlocks) {
    this.#store = store;
    this.#content = content;
    this.#kept = kept;
    this.#open();
  }

  /** Is what was written last to be lost? */
  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** Why the cache did not take what it was given last; undefined as long as it does. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** Why the cache did not take something, whatever it has taken since. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  /** Is all of this in the cache, and not only in memory? */
  isCached(start: number, end: number): boolean {
    return start >= end || this.#try(blob => blob.missing(start, end))?.length === 0;
  }

  missing(start: number, end: number): Interval[] {
    const gaps = this.#try(blob => blob.missing(start, end)) ?? [{ start, end }];
    return this.#kept.isEmpty ? gaps : gaps.flatMap(gap => this.#notKept(gap));
  }

  /** Fills `target` with the bytes from `offset` on; false when not all of them are there. */
  read(target: Buffer, offset: number): boolean {
    const size = target.length;
    if (this.#try(blob => blob.read(target, 0, size, offset)) === size) return true;
    return !this.#kept.isEmpty && this.#readPieces(target, offset);
  }

  /** Sets room aside for bytes that will be written, where there is room. */
  reserve(start: number, end: number): void {
    if (this.#isReady()) this.#try(blob => blob.reserve(start, end));
  }

  /**
   * Takes one whole block, which is there from now on. Resolves to whether the cache took it: then the buffer is the caller's
   * again, otherwise it is kept. Never fails.
   */
  async write(offset: number, block: Buffer): Promise<boolean> {
    const { key } = this.#content;
    this.#kept.hold(key, offset, block);
    const isWritten = this.#isReady() && (await this.#writeToCache(offset, block));
    if (isWritten) this.#failure = undefined;
    else if (!this.#isForgotten) this.#kept.put(key, offset, block);
    this.#kept.letGo(key, offset);
    return isWritten;
  }

  async #writeToCache(offset: number, block: Buffer): Promise<boolean> {
    const blob = this.#blob;
    try {
      await blob?.write(offset, block);
    } catch (error) {
      this.#note(error);
      return false;
    }
    // It may have been closed meanwhile, and what was written is lost.
    return blob !== undefined && blob === this.#blob;
  }

  async commit(written: readonly Interval[]): Promise<void> {
    this.#isCommitting = true;
    try {
      await this.#blob?.commit(written);
    } catch (error) {
      this.#note(error);
      // What was not committed is lost, and must not be taken for something that is there.
      this.close();
      this.#open();
    } finally {
      this.#isCommitting = false;
    }
  }

  /** What came last is of another version, perhaps: it is not there any more. What was committed stays. */
  forget(): void {
    this.#isForgotten = true;
    this.#kept.forget(this.#content.key);
  }

  close(): void {
    this.#try(blob => blob.close());
    this.#blob = undefined;
  }

  #open(): void {
    try {
      this.#blob = this.#store.open(this.#content);
    } catch (error) {
      this.#note(error);
    }
  }

  /** Nothing is written for a while after a failure. Then it may be a matter of opening it again: somewhere else, perhaps. */
  #isReady(): boolean {
    const isDue = this.#failure && performance.now() - this.#failure.at > RETRY_MS;
    // What a commit makes last is of the blob that is open now.
    if (isDue && !this.#isCommitting) {
      this.close();
      this.#failure = undefined;
      this.#open();
    }
    return !this.#failure;
  }

  #try<T>(use: (blob: Blob) => T): T | undefined {
    try {
      return this.#blob && use(this.#blob);
    } catch (error) {
      this.#note(error);
      return undefined;
    }
  }

  #note(error: unknown): void {
    this.#failure = { error, at: performance.now() };
    this.#lastFailure = error;
  }

  #notKept({ start, end }: Interval): Interval[] {
    const gaps: Interval[] = [];
    for (let at = start; at < end; ) {
      const next = Math.min(blockStart(at) + BLOCK_SIZE, end);
      if (!this.#kept.has(this.#content.key, blockStart(at))) gaps.push({ start: at, end: next });
      at = next;
    }
    return gaps;
  }

  /** Some of the bytes may be in the cache, and some in memory. */
  #readPieces(target: Buffer, offset: number): boolean {
    for (let at = offset; at < offset + target.length; ) {
      const next = Math.min(blockStart(at) + BLOCK_SIZE, offset + target.length);
      if (!this.#readPiece(target.subarray(at - offset, next - offset), at)) return false;
      at = next;
    }
    return true;
  }

  #readPiece(target: Buffer, offset: number): boolean {
    const block = this.#kept.get(this.#content.key, blockStart(offset));
    const size = target.length;
    if (!block) return this.#try(blob => blob.read(target, 0, size, offset)) === size;
    const from = offset - blockStart(offset);
    return block.copy(target, 0, from, from + size) === size;
  }
}

/** What is there of a range: what is not missing. */
export function presentOf(blob: SafeBlob, { start, end }: Interval): Interval[] {
  const missing = new Intervals();
  for (const gap of blob.missing(start, end)) missing.add(gap.start, gap.end);
  return missing.gaps(start, end);
}
