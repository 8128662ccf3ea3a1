/**
 * One request under way: a range of whole blocks, read from its source from the first byte to the last. Readers get the
 * bytes as they arrive; the cache gets them by the block.
 */

import { BLOCK_SIZE, blockEnd, blockStart } from '../cache/blocks.js';
import { FacetError } from '../errors.js';
import { giveBack } from '../sources/web/read-buffers.js';
import type { RemoteContent } from './blob.js';
import { takeBlock } from './block-buffers.js';

export interface PartOwner {
  readonly content: RemoteContent;
  /** Resolves when these many bytes may be taken, or the part is aborted. */
  throttle(part: Part, bytes: number): Promise<void> | undefined;
  onBytes(offset: number, bytes: Buffer): void;
  /** Takes a whole block. */
  onBlock(part: Part, offset: number, block: Buffer): void;
}

export class Part {
  readonly start: number;
  readonly end: number;
  /** The next byte to arrive. */
  at: number;
  readonly #owner: PartOwner;
  readonly #controller = new AbortController();
  #block: Buffer | undefined;

  constructor(owner: PartOwner, start: number, end: number) {
    this.#owner = owner;
    this.start = start;
    this.end = end;
    this.at = start;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  /** Bytes of blocks that are not complete. */
  get open(): number {
    return this.at === this.end ? 0 : this.end - blockStart(this.at);
  }

  /** The bytes that have arrived of the block that is not complete. */
  get begun(): { offset: number; bytes: Buffer } | undefined {
    const offset = blockStart(this.at);
    if (!this.#block || this.at === this.end || this.at === offset) return undefined;
    return { offset, bytes: this.#block.subarray(0, this.at - offset) };
  }

  /** Ends when all bytes are there or the part was aborted. Throws what the source throws; then the connection is free. */
  async run(): Promise<void> {
    const { source, place, version, size } = this.#owner.content;
    const request = { start: this.start, end: this.end, version, size, signal: this.signal };
    for await (const chunk of source.read(place, request)) {
      const turn = this.#owner.throttle(this, chunk.length);
      if (turn) await turn;
      if (this.signal.aborted) return;
      this.#accept(chunk);
      giveBack(chunk);
    }
    if (this.at < this.end && !this.signal.aborted) throw this.#wrongLength();
  }

  #accept(chunk: Uint8Array): void {
    if (this.at + chunk.length > this.end) throw this.#wrongLength();
    for (let from = 0; from < chunk.length; ) {
      const room = blockEnd(this.at + 1, this.end) - this.at;
      const piece = chunk.subarray(from, from + room);
      this.#append(piece);
      from += piece.length;
      // Somebody who was given these bytes may have been the last to want this part.
      if (this.signal.aborted) return;
    }
  }

  #append(piece: Uint8Array): void {
    this.#block ??= takeBlock(Math.min(BLOCK_SIZE, this.end - blockStart(this.at)));
    const [block, offset] = [this.#block, blockStart(this.at)];
    block.set(piece, this.at - offset);
    const arrived = block.subarray(this.at - offset, this.at - offset + piece.length);
    this.at += piece.length;
    this.#owner.onBytes(this.at - piece.length, arrived);
    if (this.at === blockEnd(this.at, this.end)) this.#complete(offset, block);
  }

  #complete(offset: number, block: Buffer): void {
    this.#block = undefined;
    this.#owner.onBlock(this, offset, block);
  }

  #wrongLength(): FacetError {
    const { path } = this.#owner.content.place;
    return new FacetError(
      'failed',
      `the source sent another number of bytes of ${path} than it was asked for`,
      {
        path,
      },
    );
  }
}
