/**
 * Blocks that the cache could not take, in memory for a moment: without them, a reader of small pieces would have each block
 * downloaded many times. The least recently used make room for others.
 */

export class KeptBlocks {
  readonly #limit: number;
  // In the order of their last use.
  readonly #blocks = new Map<string, Buffer>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0;
  }

  get(key: string, offset: number): Buffer | undefined {
    const name = `${offset} ${key}`;
    const block = this.#blocks.get(name);
    if (!block) return undefined;
    this.#blocks.delete(name);
    this.#blocks.set(name, block);
    return block;
  }

  /** Whether the block is there, which is no use of it. */
  has(key: string, offset: number): boolean {
    return this.#blocks.has(`${offset} ${key}`);
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

  #remove(name: string): void {
    this.#bytes -= this.#blocks.get(name)?.length ?? 0;
    this.#blocks.delete(name);
  }
}
