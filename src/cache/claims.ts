/**
 * Who fetches what: a claim on bytes of a blob tells other processes that somebody is at it. It is a courtesy, not a lock: it
 * ends by itself, so that a process which died holds nobody up, and the same bytes fetched twice do no harm.
 */
import { randomUUID } from 'node:crypto';
import type { Statement } from 'better-sqlite3';
import type { IndexDatabase } from './database.js';
import { type Interval, Intervals } from './intervals.js';

export class Claims {
  readonly #index: IndexDatabase;
  /** One for each open cache. */
  readonly #owner = randomUUID();
  readonly #expire: Statement<[number]>;
  readonly #ofOthers: Statement<[string, number, number, string], Interval>;
  readonly #add: Statement<[string, number, number, string, number]>;
  readonly #release: Statement<[string, string, number, number]>;
  readonly #releaseAll: Statement<[string]>;

  constructor(index: IndexDatabase) {
    this.#index = index;
    this.#expire = index.db.prepare('DELETE FROM claims WHERE expires_at <= ?');
    this.#ofOthers = index.db.prepare(
      'SELECT start, end FROM claims WHERE key = ? AND start < ? AND end > ? AND owner <> ?',
    );
    this.#add = index.db.prepare('INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)');
    this.#release = index.db.prepare(
      'DELETE FROM claims WHERE key = ? AND owner = ? AND start >= ? AND end <= ?',
    );
    this.#releaseAll = index.db.prepare('DELETE FROM claims WHERE owner = ?');
  }

  /** Claims what nobody else has claimed of these bytes, for so long. Returns it; what is not in it somebody else fetches. */
  claim(key: string, { start, end }: Interval, ttlMs: number): Interval[] {
    const now = Date.now();
    return this.#index.write(() => {
      this.#expire.run(now);
      const taken = new Intervals();
      for (const other of this.#ofOthers.all(key, end, start, this.#owner)) taken.add(other.start, other.end);
      const free = taken.gaps(start, end);
      for (const each of free) this.#add.run(key, each.start, each.end, this.#owner, now + ttlMs);
      return free;
    });
  }

  /** Ends the claims of this cache object that lie within these bytes. */
  release(key: string, { start, end }: Interval): void {
    this.#index.tryWrite(() => void this.#release.run(key, this.#owner, start, end));
  }

  /** Ends all claims of this cache object. */
  close(): void {
    this.#index.tryWrite(() => void this.#releaseAll.run(this.#owner));
  }
}
