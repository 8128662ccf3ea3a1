/**
 * Blocks that are in memory for a moment: those that the cache is writing, and those that it could not take. Without the
 * latter a reader of small pieces would have each block downloaded many times; the least recently used make room for others.
 */

export class KeptBlocks {
  readonly #limit: number;
  /** Being written: these stay. */
  readonly #held = new Map<string, Buffer>();
  // In the order of their last use.
  readonly #blocks = new Map<string, Buffer>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#blocks.size + this.#held.size === 0;
  }

  get(key: string, offset: number): Buffer | undefined {
    const name = `${offset} ${key}`;
    const block = this.#blocks.get(name);
    if (!block) return this.#held.get(name);
    this.#blocks.delete(name);
    this.#blocks.set(name, block);
    return block;
  }

  /** Whether the block is there, which is no use of it. */
  has(key: string, offset: number): boolean {
    const name = `${offset} ${key}`;
    return this.#blocks.has(name) || this.#held.has(name);
  }

  /** The block stays until it is let go. */
  hold(key: string, offset: number, block: Buffer): void {
    this.#held.set(`${offset} ${key}`, block);
  }

  letGo(key: string, offset: number): void {
    this.#held.delete(`${offset} ${key}`);
  }

  /** Takes the buffer for itself. */
  put(key: string, offset: number, block: Buffer): void {
    const name = `${offset} ${key}`;
    this.#remove(name);
    this.#blocks.set(name, block);
    this.#bytes += block.length;
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#remove(oldest);
    }
  }

  /** Nothing is there of this key any more. */
  forget(key: string): void {
    // The key is all behind the first space, and may have spaces.
    const isOf = (name: string) => name.slice(name.indexOf(' ') + 1) === key;
    for (const name of [...this.#blocks.keys()].filter(isOf)) this.#remove(name);
    for (const name of [...this.#held.keys()].filter(isOf)) this.#held.delete(name);
  }

  #remove(name: string): void {
    this.#bytes -= this.#blocks.get(name)?.length ?? 0;
    this.#blocks.delete(name);
  }
}
