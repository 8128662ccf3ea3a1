/**
 * The catalog: one SQLite database with the sources, their files, the change log and the tree. Any number of processes
 * share it. Reading is `sources`, `files` and `log`; every change goes through `write`, one transaction that also brings
 * the tree up to date.
 *
 * May touch: the database. Knows nothing of disks, buckets or rules.
 */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Database, Statement } from 'better-sqlite3';
import { ChangeLog } from './changes.js';
import { type Access, openDatabase } from './database.js';
import { databaseError } from './database-error.js';
import { Files } from './files.js';
import { type Lock, takeLock } from './lock.js';
import type { Projector, TakeInode } from './projector.js';
import { type SourceRecord, Sources } from './sources.js';
import { CatalogWriter } from './writer.js';

/** Makes the projector that keeps the tree true to the files, working on the catalog's own connection. */
export type OpenProjector = (db: Database, takeInode: TakeInode) => Projector;

/** Files that one transaction deletes, so that other processes get their turn. */
const DELETE_BATCH = 5_000;

/** Files that one transaction places anew. */
const REVISIT_BATCH = 5_000;

/** Somebody who watches a source has it for moments only, and is waited for. */
export const WATCHER_MS = 2_000;

const IDENTITY_DIGITS = 11;
const MOST_CATALOGS = 16 ** IDENTITY_DIGITS;

/** A file that comes back within this time has its id again, and all that hangs on it. */
const DELETED_KEPT_MS = 180 * 24 * 3_600_000;

export class Catalog {
  /** The connection: for the tree's tables, which belong to `tree/`. */
  readonly db: Database;
  readonly file: string;
  readonly sources: Sources;
  readonly files: Files;
  readonly log: ChangeLog;
  readonly #projector: Projector;
  readonly #writer: CatalogWriter;
  readonly #loadCounter: Statement<[], { value: number }>;
  readonly #saveCounter: Statement<[number]>;
  readonly #nextDue: Statement<[number]>;
  #nextInode = 0;
  #dataVersion = -1;

  /**
   * Opens the catalog in `file`.
   * Throws `not-found`, `denied`, `no-space`, `in-use`, `integrity` or `failed`, as `openDatabase` says.
   */
  constructor(file: string, openProjector: OpenProjector, access: Access = 'create') {
    this.file = file;
    this.db = openDatabase(file, access);
    this.sources = new Sources(this.db);
    this.files = new Files(this.db);
    this.log = new ChangeLog(this.db);
    this.#loadCounter = this.db.prepare(`SELECT value FROM counters WHERE name = 'next_inode'`);
    this.#saveCounter = this.db.prepare(`UPDATE counters SET value = ? WHERE name = 'next_inode'`);
    this.#nextDue = this.db.prepare('SELECT 1 FROM due WHERE at <= ? LIMIT 1');
    const takeInode: TakeInode = () => this.#nextInode++;
    this.#projector = openProjector(this.db, takeInode);
    this.#writer = new CatalogWriter(this.db, this.files, this.log, this.#projector, takeInode);
  }

  /**
   * Runs `change` in one transaction that no other process can interleave with: files, change log and tree are changed
   * together or not at all. `change` must not wait for anything.
   */
  write<T>(change: (writer: CatalogWriter) => T): T {
    return this.#transaction(change, result => {
      this.db.exec('COMMIT');
      return result;
    });
  }

  /** What would be if `change` was made: `look` sees it on this connection, and then all of it is undone. */
  preview<T>(change: (writer: CatalogWriter) => void, look: () => T): T {
    return this.#transaction(change, () => {
      const seen = look();
      this.#abandon();
      return seen;
    });
  }

  #transaction<T, U>(change: (writer: CatalogWriter) => T, end: (result: T) => U): U {
    try {
      this.db.exec('BEGIN IMMEDIATE');
      try {
        this.#begin();
        const result = change(this.#writer);
        this.#finish();
        return end(result);
      } catch (error) {
        this.#abandon();
        throw error;
      }
    } catch (error) {
      throw databaseError(error, this.file);
    }
  }

  #abandon(): void {
    this.#writer.abandon();
    this.#projector.abandon();
    // A full disk makes SQLite roll back by itself.
    if (this.db.inTransaction) this.db.exec('ROLLBACK');
  }

  #begin(): void {
    const version = Number(this.db.pragma('data_version', { simple: true }));
    this.#nextInode = this.#loadCounter.get()?.value ?? 0;
    this.#projector.begin(version !== this.#dataVersion);
    this.#dataVersion = version;
    this.#writer.begin();
  }

  #finish(): void {
    this.#writer.finish();
    this.#projector.finish();
    this.#saveCounter.run(this.#nextInode);
  }

  /**
   * Places anew the files whose time has come: rules can depend on a file's age. Several transactions, so that others get
   * their turn. Costs one query when there is nothing to do.
   */
  revisit(): void {
    for (;;) {
      if (this.#nextDue.get(Date.now()) === undefined) return;
      this.write(() => this.#projector.revisit(REVISIT_BATCH));
    }
  }

  /**
   * Keeps other processes from scanning or removing a source, until it is released. Throws `in-use` when somebody else has
   * it for longer than `waitMs`.
   */
  lockSource(source: SourceRecord, waitMs: number): Lock {
    return takeLock(
      this.#lockFile(source),
      `another process is scanning ${source.name}`,
      'wait for it to finish',
      waitMs,
    );
  }

  #lockFile(source: SourceRecord): string {
    return `${this.file}.scan-${source.id}.lock`;
  }

  /** Keeps other processes from publishing what is in the catalog. Throws `in-use` when one does. */
  lockPublishing(): Lock {
    const file = `${this.file}.publish.lock`;
    return takeLock(file, 'another process publishes the files', 'wait for it to end', 0);
  }

  /** What tells this catalog from all others, for ever: hexadecimal digits, drawn when they are first asked for. */
  identity(): string {
    const load = this.db.prepare<[], number>(`SELECT value FROM counters WHERE name = 'identity'`).pluck();
    const draw = this.db.prepare(`INSERT OR IGNORE INTO counters VALUES ('identity', ?)`);
    if (load.get() === undefined) this.write(() => draw.run(randomInt(MOST_CATALOGS)));
    return (load.get() ?? 0).toString(16).padStart(IDENTITY_DIGITS, '0');
  }

  /** Forgets a source and everything that is known of its files. The files themselves are not touched. */
  removeSource(source: SourceRecord): void {
    const lock = this.lockSource(source, WATCHER_MS);
    try {
      const present = this.#filesOf('IS NULL');
      this.#inBatches(source, present, (writer, id) => writer.deleteFile(id));
      const deleted = this.#filesOf('IS NOT NULL');
      const forget = this.db.prepare<[number]>('DELETE FROM files WHERE id = ?');
      this.#inBatches(source, deleted, (_, id) => void forget.run(id));
      this.write(writer => {
        for (const folder of [...this.files.foldersOf(source.id)]) writer.removeFolder(source, folder);
        this.db.prepare('DELETE FROM folders WHERE source_id = ?').run(source.id);
        this.sources.remove(source.id);
      });
    } finally {
      lock.release();
    }
    rmSync(this.#lockFile(source), { force: true });
  }

  #filesOf(deletedAt: 'IS NULL' | 'IS NOT NULL'): Statement<[number, number], { id: number }> {
    return this.db.prepare(
      `SELECT f.id FROM folders d JOIN files f ON f.folder_id = d.id AND f.deleted_at ${deletedAt}
       WHERE d.source_id = ? LIMIT ?`,
    );
  }

  #inBatches(
    source: SourceRecord,
    some: Statement<[number, number], { id: number }>,
    change: (writer: CatalogWriter, id: number) => void,
  ): void {
    for (;;) {
      const files = some.all(source.id, DELETE_BATCH);
      if (files.length === 0) return;
      this.write(writer => {
        for (const { id } of files) change(writer, id);
      });
    }
  }

  /** Drops what the log keeps too long, and files that were deleted too long ago to come back. */
  prune(): void {
    this.write(() => {
      this.log.prune();
      this.db.prepare('DELETE FROM files WHERE deleted_at < ?').run(Date.now() - DELETED_KEPT_MS);
    });
  }

  close(): void {
    this.db.close();
  }
}
