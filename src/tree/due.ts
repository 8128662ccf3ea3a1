/**
 * When files are to be looked at again because a rule depends on their age: the table `due`. The next one is found by an
 * index, so that nobody goes through all files to see whose time has come.
 */
import type { Database, Statement } from 'better-sqlite3';
import { CATALOG_FILE } from '../catalog/files.js';
import type { CatalogFile } from '../catalog/projector.js';

export class Due {
  readonly #any: Statement<[]>;
  readonly #set: Statement<[number, number]>;
  readonly #forget: Statement<[number]>;
  readonly #files: Statement<[number, number], CatalogFile>;
  #isEmpty = true;

  constructor(db: Database) {
    this.#any = db.prepare('SELECT 1 FROM due LIMIT 1');
    this.#set = db.prepare(
      'INSERT INTO due(file_id, at) VALUES (?, ?) ON CONFLICT(file_id) DO UPDATE SET at = excluded.at WHERE at <> excluded.at',
    );
    this.#forget = db.prepare('DELETE FROM due WHERE file_id = ?');
    this.#files = db.prepare(
      `${CATALOG_FILE} JOIN due ON due.file_id = f.id WHERE due.at <= ? AND f.deleted_at IS NULL ORDER BY due.at LIMIT ?`,
    );
  }

  begin(): void {
    this.#isEmpty = this.#any.get() === undefined;
  }

  /** `at` in milliseconds since the epoch; Infinity for a file whose age says nothing about its place. */
  set(id: number, at: number): void {
    if (at === Number.POSITIVE_INFINITY) this.forget(id);
    else {
      // Times are whole numbers there: a moment early would find that nothing has changed yet.
      this.#set.run(id, Math.ceil(at));
      this.#isEmpty = false;
    }
  }

  forget(id: number): void {
    if (!this.#isEmpty) this.#forget.run(id);
  }

  /** Files whose time has come by `now`, the longest due first. */
  files(now: number, limit: number): CatalogFile[] {
    return this.#isEmpty ? [] : this.#files.all(now, limit);
  }
}
