/**
 * The cache of a process that runs for long: opened when it is first wanted, and tried again where it could not be, because a
 * disk that is full now has room later.
 */
import type { Cache } from './cache.js';
import { isNoSpace } from './cache-error.js';

/** To open what has no room is tried this often. */
const RETRY_MS = 5_000;

export class LastingCache {
  readonly #open: () => Cache;
  #cache: Cache | undefined;
  #full: { error: unknown; at: number } | undefined;

  constructor(open: () => Cache) {
    this.#open = open;
  }

  /** Throws as `Cache.open` does. */
  get(): Cache {
    if (this.#full && performance.now() - this.#full.at < RETRY_MS) throw this.#full.error;
    this.#cache ??= this.#opened();
    return this.#cache;
  }

  #opened(): Cache {
    this.#full = undefined;
    try {
      return this.#open();
    } catch (error) {
      if (isNoSpace(error)) this.#full = { error, at: performance.now() };
      throw error;
    }
  }

  close(): void {
    this.#cache?.close();
  }
}
