/** Turns a database to write-ahead logging, with which readers and a writer do not wait for each other. */
import type { Database } from 'better-sqlite3';
import { systemErrorCode } from '../errors.js';

const ATTEMPTS = 100;
const PAUSE_MS = 10;

/** SQLite does not wait for its turn here: of two processes that make a new database at once, one is turned away. */
export function useWriteAheadLog(db: Database): void {
  for (let attempt = 1; ; attempt++) {
    try {
      db.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !systemErrorCode(error)?.startsWith('SQLITE_BUSY')) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}
