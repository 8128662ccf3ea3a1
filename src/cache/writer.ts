/**
 * What fills a blob. Two kinds do: `whole-writer.ts` and `block-writer.ts`; which one depends on the size. `write`, `commit` and
 * `complete` leave their thread to other things while the disk is busy: several of them at once are faster than one after the
 * other.
 */
import type { BlobHandle } from './handle.js';

export interface BlobWriter {
  /** Is there nothing left to write? A commit makes it whole then. */
  readonly isFull: boolean;

  /**
   * Sets room aside for these bytes, so that `write` finds it. Without it `write` does the same, in smaller pieces.
   * Throws `no-space` when there is none to be made.
   */
  reserve(start: number, end: number): void;

  /**
   * Writes bytes at a place, in any order and size. What is there already is left alone. Throws `no-space`. Bytes that are being
   * written are to stay as they are, and neither `read` nor a commit has them yet. When the writer is closed meanwhile, they
   * are lost.
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;

  /**
   * Reads back what this writer has written, whether it is committed or not: into `target` from `at` on. Undefined when some
   * of the bytes were not written by it.
   */
  read(target: Uint8Array, at: number, size: number, offset: number): number | undefined;

  /**
   * Lets others find what has been written in whole blocks, once it is safe on the disk. Resolves to whether that is all there
   * is. Throws `no-space`.
   */
  commit(): Promise<boolean>;

  /**
   * The contents are written: checks them against what the caller expects, lets others find them, and opens them. Throws
   * `integrity` when they are other contents, and forgets them; `failed` when bytes are missing.
   */
  complete(): Promise<BlobHandle>;

  /** Ends the writer, without `complete` in the middle: of a small blob nothing stays, of a large one what was committed. */
  close(): void;
}
