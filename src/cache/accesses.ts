/**
 * When blobs were last read, and how often the cache could answer. Kept in memory for a while: at most one write per blob
 * and minute, several blobs in one transaction, and never a wait, because the thread that serves does this too.
 */
import type { Statement } from 'better-sqlite3';
import type { IndexDatabase } from './database.js';

const PER_BLOB_MS = 60_000;
const FLUSH_MS = 10_000;
const MOST_QUEUED = 10_000;

/** What one handle knows of its blob's last access. */
export interface Accessed {
  readonly id: number;
  accessedAt: number;
}

export class Accesses {
  readonly #index: IndexDatabase;
  readonly #touch: Statement<{ id: number; at: number }>;
  readonly #count: Statement<[number, number]>;
  readonly #queue = new Map<number, number>();
  #hits = 0;
  #misses = 0;
  #flushedAt = Date.now();

  constructor(index: IndexDatabase) {
    this.#index = index;
    this.#touch = index.db.prepare(
      `UPDATE blobs SET accessed_at = :at WHERE id = :id AND accessed_at <= :at - ${PER_BLOB_MS}`,
    );
    this.#count = index.db.prepare('UPDATE usage SET hits = hits + ?, misses = misses + ?');
  }

  /** A read of the blob that the cache could answer, or not. */
  read(blob: Accessed, answered: boolean): void {
    if (answered) this.#hits++;
    else this.#misses++;
    this.touch(blob);
  }

  touch(blob: Accessed): void {
    const now = Date.now();
    if (now - blob.accessedAt >= PER_BLOB_MS) {
      blob.accessedAt = now;
      this.#queue.set(blob.id, now);
    }
    if (now - this.#flushedAt >= FLUSH_MS) this.flush();
  }

  /** Writes what is due, unless another process is writing right now or the disk is full: the next one does then. */
  flush(): void {
    this.#flushedAt = Date.now();
    if (this.#queue.size === 0 && this.#hits === 0 && this.#misses === 0) return;
    const written = this.#index.tryWrite(() => {
      for (const [id, at] of this.#queue) this.#touch.run({ id, at });
      this.#count.run(this.#hits, this.#misses);
    });
    if (!written && this.#queue.size < MOST_QUEUED) return;
    this.#queue.clear();
    this.#hits = 0;
    this.#misses = 0;
  }
}
