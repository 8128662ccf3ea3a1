/**
 * The change log: what happened to files, in order, for whoever follows the catalog. Bounded; a follower that was away for
 * longer than the log reaches back starts from the files themselves.
 */
import type { Database, Statement } from 'better-sqlite3';

export type ChangeKind = 'added' | 'modified' | 'renamed' | 'deleted' | 'restored' | 'described';

/** A change, and the file as the catalog has it now. */
export interface LoggedChange {
  seq: number;
  /** ms since the epoch. */
  at: number;
  fileId: number;
  kind: ChangeKind;
  /** JSON, where there is more to say. */
  detail: string | null;
  /** Null, as the others, when the file has been forgotten since. */
  source: string | null;
  folderPath: string | null;
  name: string | null;
}

/** How many changes are kept, at least. */
const KEPT = 1_000_000;

export class ChangeLog {
  readonly #insert: Statement<[number, number, ChangeKind, string | null]>;
  readonly #insertAdded: Statement<[number, number, number]>;
  readonly #last: Statement<[], { seq: number | null }>;
  readonly #latest: Statement<[number], { seq: number; fileId: number; kind: ChangeKind }>;
  readonly #after: Statement<[number, number], LoggedChange>;
  readonly #prune: Statement<[number]>;

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO changes(at, file_id, kind, detail) VALUES (?, ?, ?, ?)');
    this.#insertAdded = db.prepare(
      `INSERT INTO changes(at, file_id, kind) SELECT ?, id, 'added' FROM files WHERE id BETWEEN ? AND ? ORDER BY id`,
    );
    this.#last = db.prepare('SELECT max(seq) AS seq FROM changes');
    this.#latest = db.prepare('SELECT seq, file_id AS fileId, kind FROM changes ORDER BY seq DESC LIMIT ?');
    this.#after = db.prepare(
      `SELECT c.seq, c.at, c.file_id AS fileId, c.kind, c.detail, s.name AS source, d.path AS folderPath, f.name
       FROM changes c LEFT JOIN files f ON f.id = c.file_id LEFT JOIN folders d ON d.id = f.folder_id
         LEFT JOIN sources s ON s.id = d.source_id
       WHERE c.seq > ? ORDER BY c.seq LIMIT ?`,
    );
    this.#prune = db.prepare('DELETE FROM changes WHERE seq <= ?');
  }

  /** The number of the newest change, 0 when there was none. */
  lastSeq(): number {
    return this.#last.get()?.seq ?? 0;
  }

  /** The newest changes, the newest first. */
  latest(limit: number): { seq: number; fileId: number; kind: ChangeKind }[] {
    return this.#latest.all(limit);
  }

  /** The changes after a position, the oldest first. Numbers have no gaps: where one is missing, changes were pruned. */
  after(seq: number, limit: number): LoggedChange[] {
    return this.#after.all(seq, limit);
  }

  append(kind: ChangeKind, fileId: number, detail?: object): void {
    this.#insert.run(Date.now(), fileId, kind, detail === undefined ? null : JSON.stringify(detail));
  }

  /** Logs as added the files with ids from `first` to `last`: one statement for a whole batch. */
  appendAdded(first: number, last: number): void {
    this.#insertAdded.run(Date.now(), first, last);
  }

  prune(): void {
    this.#prune.run(this.lastSeq() - KEPT);
  }
}
