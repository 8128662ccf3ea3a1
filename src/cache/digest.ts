/**
 * The checksums of contents: of each block, and of the whole. Bytes that come in order are taken as they come; the rest is read
 * from the disk at the end.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FacetError } from '../errors.js';
import { BLOCK_SIZE, readFully } from './blocks.js';

/** Bytes read at once. */
const STEP = 4 << 20;

export class Digest {
  readonly #sha256 = createHash('sha256');
  readonly #expected: Buffer | undefined;
  readonly #crcs: number[] = [];
  #reached = 0;

  /** `expected` is the SHA-256 that the contents should have, where the caller knows it. */
  constructor(expected: Buffer | undefined) {
    this.#expected = expected;
  }

  /** Takes these bytes when they are the next ones. */
  update(offset: number, bytes: Uint8Array): void {
    if (offset !== this.#reached) return;
    this.#sha256.update(bytes);
    for (let at = 0; at < bytes.length; )
      at += this.#addToBlock(bytes.subarray(at, at + this.#leftOfBlock()));
  }

  #leftOfBlock(): number {
    return BLOCK_SIZE - (this.#reached % BLOCK_SIZE);
  }

  #addToBlock(bytes: Uint8Array): number {
    const block = Math.floor(this.#reached / BLOCK_SIZE);
    this.#crcs[block] = crc32(bytes, this.#crcs[block] ?? 0);
    this.#reached += bytes.length;
    return bytes.length;
  }

  /** Reads what has not been taken yet, in steps between which the caller may do other things: yields how far it is. */
  *readRest(fd: number, size: number): Generator<number, void> {
    const buffer = Buffer.allocUnsafe(Math.min(STEP, size - this.#reached));
    while (this.#reached < size) {
      const bytes = buffer.subarray(0, Math.min(STEP, size - this.#reached));
      if (!readFully(fd, bytes, 0, bytes.length, this.#reached)) throw mismatch('could not be read back');
      this.update(this.#reached, bytes);
      yield this.#reached;
    }
  }

  /** Call it once all is taken. Throws `integrity` when the contents are not what was expected. */
  finish(): { sha256: Buffer; crcs: readonly number[] } {
    const sha256 = this.#sha256.digest();
    if (this.#expected?.equals(sha256) === false)
      throw mismatch('have another SHA-256 than is known of them');
    return { sha256, crcs: this.#crcs };
  }
}

function mismatch(what: string): FacetError {
  return new FacetError('integrity', `the contents that were fetched ${what}`, {
    hint: 'try again; if it stays so, the source delivers wrong bytes',
  });
}
