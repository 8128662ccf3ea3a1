/**
 * Locks between processes that the operating system releases whatever ends their owner: an exclusive transaction on an
 * SQLite database of their own, in which nothing is ever written.
 */
import { existsSync } from 'node:fs';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { FacetError, systemErrorCode } from '../errors.js';
import { databaseError } from './database-error.js';

/** What SQLite says of an open file that has no name any more. */
const GONE = 'SQLITE_IOERR_FSTAT';

export interface Lock {
  release(): void;
}

/**
 * Takes the lock, a file in a folder that exists. Throws `in-use` when another process has it for so many milliseconds
 * (`what` and `hint` make the message), `denied` where it may not be made. Whoever takes it keeps the returned value until it is released.
 */
export function takeLock(file: string, what: string, hint: string, waitMs: number): Lock {
  let db: Database | undefined;
  try {
    db = new SqliteDatabase(file, { timeout: waitMs });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (systemErrorCode(error) === 'SQLITE_BUSY') throw new FacetError('in-use', what, { path: file, hint });
    // Whoever had it removed it between the two steps: it is a lock no more.
    if (systemErrorCode(error) === GONE && !existsSync(file)) return takeLock(file, what, hint, waitMs);
    throw databaseError(error, file);
  }
  const held = db;
  return { release: () => void held.close() };
}
