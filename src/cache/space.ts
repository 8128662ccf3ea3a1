/**
 * The room that the cache may take. It is set aside before anything is written, in the transaction that finds it free, so that
 * both limits hold at every moment however many processes write.
 */
import { statfsSync } from 'node:fs';
import type { BlobIndex } from './blob-index.js';
import { noRoom } from './cache-error.js';
import type { IndexDatabase } from './database.js';
import type { Evictor } from './eviction.js';

export interface Limits {
  /** The most bytes that contents take on the disk. */
  maxSize: number;
  /** Bytes of the disk that the cache leaves free. */
  minFree: number;
  /** Milliseconds after which contents that nobody read go first. */
  maxAge: number;
  /** Contents of this size and more are kept block by block; smaller ones all at once. 50 MB by default. */
  blockThreshold?: number;
}

export class Space {
  readonly #index: IndexDatabase;
  readonly #blobs: BlobIndex;
  readonly #evictor: Evictor;
  readonly #limits: Limits;
  readonly #tidy: () => void;

  /** `tidy` does what must be done before room is looked for. */
  constructor(index: IndexDatabase, blobs: BlobIndex, evictor: Evictor, limits: Limits, tidy: () => void) {
    this.#index = index;
    this.#blobs = blobs;
    this.#evictor = evictor;
    this.#limits = limits;
    this.#tidy = tidy;
  }

  /**
   * In one transaction: asks `needed` for a number of bytes, and lets `take` set them aside when there is room for them.
   * Otherwise makes room, and tries again. Throws `no-space` when there is none to be made.
   */
  reserve(needed: () => number, take: () => void): void {
    for (;;) {
      const { bytes, lacking } = this.#index.write(() => {
        const wanted = needed();
        const short = this.#lacking(wanted);
        if (short <= 0) take();
        return { bytes: wanted, lacking: short };
      });
      if (lacking <= 0) return;
      if (bytes > this.#limits.maxSize || !this.#makeRoom(lacking))
        throw noRoom(this.#index.directory, bytes);
    }
  }

  /** How many bytes must go before so many more may be set aside. */
  #lacking(bytes: number): number {
    if (bytes === 0) return 0;
    const { room, pending } = this.#blobs.usage();
    // Everything pending may still have to be written: what is free is less by that.
    const free = freeBytes(this.#index.directory) - pending;
    return Math.max(room + bytes - this.#limits.maxSize, bytes + this.#limits.minFree - free);
  }

  #makeRoom(bytes: number): boolean {
    const before = this.#blobs.usage().room;
    this.#tidy();
    const tidied = before - this.#blobs.usage().room;
    if (tidied >= bytes) return true;
    const age = Date.now() - this.#limits.maxAge;
    return this.#evictor.remove({ before: age, bytes: bytes - tidied }).bytes + tidied > 0;
  }
}

/** What this user may still write to the disk of a directory. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
