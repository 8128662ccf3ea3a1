/**
 * The blocks that the cache has not written yet, over all files. A network that is faster than the disk waits for it here:
 * otherwise all of the budget of bytes under way would end as memory.
 */

export class WriteBacklog {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  begin(bytes: number): void {
    this.#bytes += bytes;
  }

  end(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < this.#limit) for (const go of [...this.#waiting]) go();
  }

  /** Resolves when there is room for more, or nobody wants it any longer. */
  room(signal: AbortSignal): Promise<void> | undefined {
    if (this.#bytes < this.#limit) return undefined;
    return new Promise(resolve => {
      const go = () => {
        this.#waiting.delete(go);
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', go, { once: true });
    });
  }
}
