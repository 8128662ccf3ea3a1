/**
 * When files were last read through facet, and how often. Noted in memory and written now and then: at most once a minute for
 * each file, many files in one transaction, and never waited for. What a killed process had not written is lost; nothing else
 * depends on it. The change log says nothing of it, because a file that was read is as it was.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FacetError, systemErrorCode } from '../errors.js';
import { openDatabase } from './database.js';

export interface FileAccess {
  /** Milliseconds since the epoch, exact to a minute. */
  at: number;
  count: number;
}

/** What is known of one file; undefined when it was never read. */
export function accessOf(db: Database, id: number): FileAccess | undefined {
  return db.prepare<[number], FileAccess>('SELECT at, count FROM accesses WHERE file_id = ?').get(id);
}

const PER_FILE_MS = 60_000;
const MOST_NOTED = 20_000;

/** How long the last flush waits for another process that writes. */
const LAST_WAIT_MS = 1_000;

interface Noted {
  at: number;
  /** Since it was written. */
  count: number;
  writtenAt: number;
}

export class FileAccesses {
  readonly #file: string;
  readonly #noted = new Map<number, Noted>();
  #writer: Writer | undefined;

  /** Of the catalog in `file`, which is opened when there is something to write. */
  constructor(file: string) {
    this.#file = file;
  }

  note(id: number): void {
    const at = Date.now();
    const noted = this.#noted.get(id);
    if (!noted) this.#noted.set(id, { at, count: 1, writtenAt: 0 });
    else {
      noted.at = at;
      noted.count++;
    }
    if (this.#noted.size > MOST_NOTED) this.#writeAll();
  }

  /** Writes what is due, unless another process is writing right now or nobody can: the next one does then. */
  flush(): void {
    const now = Date.now();
    const old = [...this.#noted].filter(([, { writtenAt }]) => now - writtenAt >= PER_FILE_MS);
    const due = old.filter(([, { count }]) => count > 0);
    if (due.length > 0 && !this.#write(due)) return;
    for (const [id, noted] of old) {
      if (noted.count === 0) this.#noted.delete(id);
      else Object.assign(noted, { count: 0, writtenAt: now });
    }
  }

  close(): void {
    this.#writeAll(LAST_WAIT_MS);
    this.#writer?.close();
    this.#writer = undefined;
  }

  /** Whether or not it can be written: memory is bounded. */
  #writeAll(waitMs = 0): void {
    const due = [...this.#noted].filter(([, { count }]) => count > 0);
    if (due.length > 0) this.#write(due, waitMs);
    this.#noted.clear();
  }

  #write(due: readonly [number, Noted][], waitMs = 0): boolean {
    try {
      this.#writer ??= new Writer(openDatabase(this.#file, 'write'));
      return this.#writer.write(due, waitMs);
    } catch (error) {
      // Whoever may only read a catalog reads its files all the same.
      if (error instanceof FacetError) return false;
      throw error;
    }
  }
}

class Writer {
  readonly #db: Database;
  readonly #add: Statement<{ id: number; at: number; count: number }>;
  readonly #look: Statement<{ id: number; at: number }>;
  readonly #rulesAsk: Statement<[]>;

  constructor(db: Database) {
    this.#db = db;
    // A file can have been forgotten since.
    this.#add = db.prepare(
      `INSERT INTO accesses(file_id, at, count) SELECT id, :at, :count FROM files WHERE id = :id
       ON CONFLICT(file_id) DO UPDATE SET at = max(at, excluded.at), count = count + excluded.count`,
    );
    this.#look = db.prepare(
      `INSERT INTO due(file_id, at) SELECT id, :at FROM files WHERE id = :id
       ON CONFLICT(file_id) DO UPDATE SET at = min(at, excluded.at)`,
    );
    // Whether they do is for others to read. Placed anew for nothing, a file stays where it is.
    this.#rulesAsk = db.prepare(`SELECT 1 FROM rules WHERE instr(document, 'accessed') > 0`);
  }

  /** All or nothing. False when another process writes for longer than that, or nothing can be written. */
  write(due: readonly [number, Noted][], waitMs: number): boolean {
    this.#db.pragma(`busy_timeout = ${waitMs}`);
    try {
      this.#db.transaction(() => this.#writeEach(due)).immediate();
      return true;
    } catch (error) {
      if (systemErrorCode(error)?.startsWith('SQLITE_')) return false;
      throw error;
    }
  }

  #writeEach(due: readonly [number, Noted][]): void {
    const rulesAsk = this.#rulesAsk.get() !== undefined;
    for (const [id, { at, count }] of due) {
      this.#add.run({ id, at, count });
      if (rulesAsk) this.#look.run({ id, at });
    }
  }

  close(): void {
    this.#db.close();
  }
}
