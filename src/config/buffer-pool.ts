/**
 * Memory that is used again: a system clears what it gives out anew, which costs as much as copying the bytes, and V8 collects
 * all garbage each time that some 30 MB were taken.
 */

export class BufferPool {
  readonly #size: number;
  readonly #mostFree: number;
  readonly #free: Buffer[] = [];

  /** Of buffers of `size` bytes, of which at most so many wait to be used again. */
  constructor(size: number, mostFree: number) {
    this.#size = size;
    this.#mostFree = mostFree;
  }

  /** A buffer with memory of its own, and any contents. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** A buffer of the pool's is nobody's any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#mostFree) this.#free.push(buffer);
  }
}
