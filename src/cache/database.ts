/**
 * Opens the cache's index, the SQLite database that says which bytes are there. It is written after the data it speaks of
 * was flushed, and may lose its last transactions in a power cut: what it then does not know of is fetched again.
 */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { useWriteAheadLog } from '../catalog/write-ahead-log.js';
import { createDirectory } from '../config/home.js';
import { FacetError, systemErrorCode } from '../errors.js';
import { BLOCK_SIZE } from './blocks.js';
import { isNoSpace, translated } from './cache-error.js';

/**
 * `write` makes the cache where there is none, and cleans up what ended processes left behind. `brief` and `serve` fail then.
 * `brief` is for a moment: it opens a cache whose disk is full as well, and keeps all others out meanwhile. `serve` never waits
 * for a disk.
 */
export type CacheAccess = 'write' | 'brief' | 'serve';

const INDEX = 'index.db';

/** "fcch", as SQLite's header stores it. */
const APPLICATION_ID = 0x66636368;

/** Transactions are short, so this is ample. */
const BUSY_TIMEOUT_MS = 30_000;

/** Pages that one connection keeps, in KiB. */
const CACHE_KIB = 4 * 1024;

/** `state` of a blob. Only those that are kept are found by lookups. */
export const BlobState = { written: 0, kept: 1, leaving: 2 } as const;

/** Each brings the tables to the next version; only added to, never changed. */
const MIGRATIONS = [
  `
  CREATE TABLE blobs(
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: processes remember which blocks they have checked
    name        TEXT NOT NULL UNIQUE,   -- of its file, random: an index that was lost and made anew finds no strangers
    size        INTEGER NOT NULL,       -- bytes, of the whole contents
    state       INTEGER NOT NULL,       -- BlobState
    present     INTEGER NOT NULL,       -- how many of its blocks are there
    room        INTEGER NOT NULL,       -- bytes of the disk set aside for it
    pending     INTEGER NOT NULL,       -- those of them that may not have been written yet
    pinned      INTEGER NOT NULL,       -- 1: one of its keys is pinned
    accessed_at INTEGER NOT NULL,       -- ms since the epoch
    sha256      BLOB                    -- of the whole contents, where they were checked against it
  );
  CREATE INDEX blobs_by_access ON blobs(accessed_at, id) WHERE state = ${BlobState.kept} AND pinned = 0;
  CREATE INDEX blobs_pinned ON blobs(room) WHERE pinned = 1;
  CREATE INDEX blobs_unsettled ON blobs(state) WHERE state <> ${BlobState.kept};
  CREATE INDEX blobs_by_contents ON blobs(sha256) WHERE sha256 IS NOT NULL;

  CREATE TABLE keys(key TEXT PRIMARY KEY, blob_id INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX keys_by_blob ON keys(blob_id);

  -- Apart from the keys: what is pinned may not have been fetched yet.
  CREATE TABLE pins(key TEXT PRIMARY KEY) WITHOUT ROWID;

  CREATE TABLE blocks(
    blob_id INTEGER NOT NULL,
    block   INTEGER NOT NULL,
    crc     INTEGER,                    -- CRC-32; NULL: its room is set aside, its bytes are not there
    PRIMARY KEY (blob_id, block)
  ) WITHOUT ROWID;
  CREATE INDEX blocks_pending ON blocks(blob_id) WHERE crc IS NULL;

  CREATE TABLE usage(
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    blobs   INTEGER NOT NULL,
    room    INTEGER NOT NULL,           -- of all blobs, so that nobody has to add them up
    pending INTEGER NOT NULL,
    hits    INTEGER NOT NULL,           -- reads that the cache could answer
    misses  INTEGER NOT NULL
  );
  INSERT INTO usage VALUES (1, 0, 0, 0, 0, 0);
  CREATE TRIGGER blobs_added AFTER INSERT ON blobs BEGIN
    UPDATE usage SET blobs = blobs + 1, room = room + NEW.room, pending = pending + NEW.pending;
  END;
  CREATE TRIGGER blobs_changed AFTER UPDATE OF room, pending ON blobs BEGIN
    UPDATE usage SET room = room + NEW.room - OLD.room, pending = pending + NEW.pending - OLD.pending;
  END;
  CREATE TRIGGER blobs_removed AFTER DELETE ON blobs BEGIN
    UPDATE usage SET blobs = blobs - 1, room = room - OLD.room, pending = pending - OLD.pending;
  END;
`,
  // What its file was (`file-state.ts`) when all of its blocks were last known to have their checksums.
  'ALTER TABLE blobs ADD COLUMN checked_state TEXT',
  // Since then the room of a block of more than four pages has one more: see `roomOf`.
  `
  CREATE TEMP VIEW more AS SELECT b.id, count(*) * 4096 AS room, sum(crc IS NULL) * 4096 AS pending
    FROM blobs b JOIN blocks x ON x.blob_id = b.id WHERE b.size - x.block * ${BLOCK_SIZE} > 4 * 4096 GROUP BY b.id;
  UPDATE blobs SET room = blobs.room + more.room, pending = blobs.pending + more.pending FROM more WHERE more.id = blobs.id;
  DROP VIEW more;
`,
];

/** Changes that wait for one transaction. */
interface Together {
  changes: (() => void)[];
  written: Promise<void>;
}

/** The index of one cache, as one thread has it open. */
export class IndexDatabase {
  readonly directory: string;
  readonly db: Database;
  readonly #inode: number | undefined;
  #together: Together | undefined;

  /** Throws `not-found`, `denied`, `no-space`, `in-use`, `integrity` or `failed`. */
  constructor(directory: string, access: CacheAccess) {
    this.directory = directory;
    this.db = openHowever(directory, access);
    this.#inode = translated(directory, () => inodeOf(directory));
  }

  /** Runs `change` in one transaction that no other process can interleave with. */
  write<T>(change: () => T): T {
    return translated(this.directory, () => this.db.transaction(change).immediate());
  }

  /** The same, unless another process is writing right now: false then, and nothing has happened. */
  tryWrite(change: () => void): boolean {
    this.db.pragma('busy_timeout = 0');
    try {
      this.db.transaction(change).immediate();
      return true;
    } catch (error) {
      if (systemErrorCode(error)?.startsWith('SQLITE_') === true) return false;
      throw error;
    } finally {
      this.db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /**
   * `write` for a change that may wait until this thread has a moment: those of one moment share a transaction, which costs
   * little more than one of them alone. All of them happen, or none.
   */
  async writeTogether(change: () => void): Promise<void> {
    this.#together ??= this.#writeSoon();
    this.#together.changes.push(change);
    await this.#together.written;
  }

  #writeSoon(): Together {
    const changes: (() => void)[] = [];
    const written = setImmediate().then(() => {
      this.#together = undefined;
      this.write(() => {
        for (const change of changes) change();
      });
    });
    return { changes, written };
  }

  /** Has somebody removed it, or put another one in its place? What is written here then is lost. Throws `denied`. */
  isRemoved(): boolean {
    return translated(this.directory, () => inodeOf(this.directory) !== this.#inode);
  }

  /** Brings what was written to its place, so that the next transaction needs no room of its own on the disk. */
  checkpoint(): void {
    translated(this.directory, () => this.db.pragma('wal_checkpoint(TRUNCATE)'));
  }

  close(): void {
    this.db.close();
  }
}

function inodeOf(directory: string): number | undefined {
  return statSync(join(directory, INDEX), { throwIfNoEntry: false })?.ino;
}

function openHowever(directory: string, access: CacheAccess): Database {
  try {
    return translated(directory, () => openIndex(directory, access, 'NORMAL'));
  } catch (error) {
    if (access !== 'brief' || !isNoSpace(error)) throw error;
    // The file through which processes share it finds no room. Who has it alone needs none: https://sqlite.org/wal.html#noshm
    return translated(directory, () => openIndex(directory, access, 'EXCLUSIVE'));
  }
}

function openIndex(directory: string, access: CacheAccess, locking: 'NORMAL' | 'EXCLUSIVE'): Database {
  const file = join(directory, INDEX);
  if (access === 'write') createFile(directory, file);
  else if (!existsSync(file)) throw noCache(directory);
  const db = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true });
  try {
    db.pragma(`locking_mode = ${locking}`);
    prepare(db, directory, access);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createFile(directory: string, file: string): void {
  createDirectory(directory);
  closeSync(openSync(file, 'a', 0o600));
}

function noCache(directory: string): FacetError {
  return new FacetError('not-found', `there is no cache at ${directory} yet`, { path: directory });
}

function prepare(db: Database, directory: string, access: CacheAccess): void {
  const version = versionOf(db, directory);
  if (version === 0 && access !== 'write') throw noCache(directory);
  if (version === 0) useWriteAheadLog(db);
  db.pragma('synchronous = NORMAL');
  db.pragma(`cache_size = -${CACHE_KIB}`);
  // A checkpoint flushes files: not in a thread that serves.
  if (access === 'serve') db.pragma('wal_autocheckpoint = 0');
  if (version === MIGRATIONS.length) return;
  db.transaction(() => {
    // Two processes may do this at once: the second one finds the work done.
    for (const migration of MIGRATIONS.slice(versionOf(db, directory))) db.exec(migration);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

/** 0: there are no tables yet. Writes nothing. Throws for the database of another program, and for one of a later version. */
function versionOf(db: Database, directory: string): number {
  // At one moment: another process may be making them.
  const { version, application, isEmpty } = db.transaction(() => readHeader(db))();
  if (isEmpty) return 0;
  if (version > 0 && version <= MIGRATIONS.length && application === APPLICATION_ID) return version;
  throw new FacetError('failed', `the cache ${directory} is of a later version of facet, or no cache`, {
    path: directory,
    hint: 'upgrade facet, or move the directory away: all that it holds can be fetched again',
  });
}

function readHeader(db: Database): { version: number; application: number; isEmpty: boolean } {
  const version = Number(db.pragma('user_version', { simple: true }));
  const application = Number(db.pragma('application_id', { simple: true }));
  const isEmpty = version === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  return { version, application, isEmpty };
}
