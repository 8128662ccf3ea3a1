/**
 * The cache of a process that runs for long: opened when it is first wanted, tried again where it could not be, because a disk
 * that is full now has room later, and opened anew when somebody has removed its directory.
 */
import type { Cache } from './cache.js';

/** To open what cannot be opened is tried this often. */
const RETRY_MS = 5_000;
/** Whether it is still there is looked at so often. */
const LOOK_MS = 1_000;

export class LastingCache {
  readonly #open: () => Cache;
  #cache: Cache | undefined;
  #lookedAt = 0;
  #failed: { error: unknown; at: number } | undefined;

  constructor(open: () => Cache) {
    this.#open = open;
  }

  /** Throws as `Cache.open` does. */
  get(): Cache {
    const now = performance.now();
    if (this.#failed && now - this.#failed.at < RETRY_MS) throw this.#failed.error;
    if (this.#cache && now - this.#lookedAt > LOOK_MS) this.#look(this.#cache, now);
    this.#cache ??= this.#opened(now);
    return this.#cache;
  }

  /** In one that was removed something may be open. Its files are closed when it is forgotten: by then nothing is. */
  #look(cache: Cache, now: number): void {
    this.#lookedAt = now;
    if (cache.isRemoved()) this.#cache = undefined;
  }

  #opened(now: number): Cache {
    this.#failed = undefined;
    this.#lookedAt = now;
    try {
      return this.#open();
    } catch (error) {
      this.#failed = { error, at: now };
      throw error;
    }
  }

  close(): void {
    this.#cache?.close();
  }
}
