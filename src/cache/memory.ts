/**
 * The tier above the disk: small contents that were read last, in memory, for processes that read the same ones again and again
 * without a kernel that keeps them. Bounded in bytes; what was used least recently goes first.
 */

/** Of all the memory, the most that one contents may take: a large one would drive out all others. */
const LARGEST_SHARE = 1 / 16;

export class MemoryTier {
  readonly #maxBytes: number;
  /** In the order in which they were used. */
  readonly #contents = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Contents under a key of the cache. Shared: they are not to be changed. */
  get(key: string): Uint8Array | undefined {
    const contents = this.#contents.get(key);
    if (contents === undefined) return undefined;
    this.#contents.delete(key);
    this.#contents.set(key, contents);
    return contents;
  }

  /** Is there any use in offering contents of this size? */
  accepts(size: number): boolean {
    return size <= this.#maxBytes * LARGEST_SHARE;
  }

  /** Holds contents, unless they are too large. They are not to be changed from now on. */
  set(key: string, contents: Uint8Array): void {
    this.delete(key);
    if (!this.accepts(contents.byteLength)) return;
    this.#contents.set(key, contents);
    this.#bytes += contents.byteLength;
    for (const oldest of this.#contents.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#contents.get(key)?.byteLength ?? 0;
    this.#contents.delete(key);
  }
}
