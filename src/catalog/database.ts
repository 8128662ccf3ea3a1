/**
 * Opens the SQLite database behind a catalog: settings, migrations, and what SQLite's own errors mean to a user.
 * One connection belongs to one thread.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { createDirectory } from '../config/home.js';
import { databaseError, noCatalog } from './database-error.js';
import { isCurrent, migrate } from './schema.js';

export interface OpenDatabaseOptions {
  /** Never writes, and fails with `not-found` where there is no catalog yet. */
  readonly?: boolean;
}

/** How long a writer waits for another process's transaction. Transactions are short, so this is ample. */
const BUSY_TIMEOUT_MS = 30_000;

/** Pages that one connection keeps, in KiB: enough for the upper levels of every index, whatever the number of files. */
const CACHE_KIB = 16 * 1024;

/**
 * Opens the catalog's database, creating and migrating it as needed.
 * Throws `not-found`, `denied`, `no-space`, `integrity` (not a catalog, or damaged) or `failed` (of a later version).
 */
export function openDatabase(file: string, options: OpenDatabaseOptions = {}): Database {
  const readonly = options.readonly === true;
  let db: Database | undefined;
  try {
    if (!readonly) createDirectory(dirname(file));
    else if (!existsSync(file)) throw noCatalog(file);
    db = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS, readonly, fileMustExist: readonly });
    if (!readonly) {
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = NORMAL');
      db.pragma('foreign_keys = ON');
      migrate(db, file);
    } else if (!isCurrent(db, file)) {
      throw noCatalog(file);
    }
    db.pragma(`cache_size = -${CACHE_KIB}`);
    return db;
  } catch (error) {
    db?.close();
    throw databaseError(error, file);
  }
}
