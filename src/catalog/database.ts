/**
 * Opens the SQLite database behind a catalog: settings, migrations, and what SQLite's own errors mean to a user.
 * One connection belongs to one thread.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { createDirectory } from '../config/home.js';
import { creationError, databaseError, noCatalog } from './database-error.js';
import { isCurrent, migrate } from './schema.js';
import { useWriteAheadLog } from './write-ahead-log.js';

/** `create` makes a catalog where there is none, the others fail then; `read` never writes. */
export type Access = 'create' | 'write' | 'read';

/** How long a writer waits for another process's transaction. Transactions are short, so this is ample. */
const BUSY_TIMEOUT_MS = 30_000;

/** Pages that one connection keeps, in KiB: enough for the upper levels of every index, whatever the number of files. */
const CACHE_KIB = 16 * 1024;

/**
 * Opens the catalog's database, and migrates it as needed.
 * Throws `not-found`, `denied`, `no-space`, `integrity` (not a catalog, or damaged) or `failed` (of a later version).
 */
export function openDatabase(file: string, access: Access = 'create'): Database {
  const readonly = access === 'read';
  let db: Database | undefined;
  try {
    if (access === 'create') createFile(file);
    else if (!existsSync(file)) throw noCatalog(file);
    db = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS, readonly, fileMustExist: true });
    // Before anything is written: what is no catalog must stay as it is.
    const current = isCurrent(db, file);
    if (!readonly) {
      useWriteAheadLog(db);
      db.pragma('synchronous = NORMAL');
      db.pragma('foreign_keys = ON');
      if (!current) migrate(db, file);
    } else if (!current) {
      throw noCatalog(file);
    }
    db.pragma(`cache_size = -${CACHE_KIB}`);
    return db;
  } catch (error) {
    db?.close();
    throw databaseError(error, file);
  }
}

/** Names of files are nobody else's business; SQLite gives the files beside a database its permissions. */
function createFile(file: string): void {
  createDirectory(dirname(file));
  try {
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw creationError(error, file);
  }
}
