/** What is in a cache, by key. Read in batches: there may be a million rows, and others may change them meanwhile. */
import type { Database } from 'better-sqlite3';
import { BLOCK_SIZE } from './blocks.js';
import { ifThere } from './cache-error.js';
import { BlobState, IndexDatabase } from './database.js';

export interface CachedContents {
  key: string;
  /** Bytes: of the whole contents, and of the disk for what is there of them. */
  size: number;
  room: number;
  isWhole: boolean;
  isPinned: boolean;
  /** Milliseconds since the epoch; exact to a minute. */
  accessedAt: number;
}

/** Rows of a batch. */
const BATCH = 500;

/**
 * Everything that is there, of a cache that is open only while a batch is read: whoever reads slowly keeps nobody out. Nothing
 * where there is no cache. Throws as `Cache.open` does otherwise.
 */
export function listOf(directory: string): Generator<CachedContents> {
  return inBatches(after => {
    const index = ifThere(() => new IndexDatabase(directory, 'brief'));
    try {
      return index ? contentsReader(index.db)(after) : [];
    } finally {
      index?.close();
    }
  });
}

/** Reads the batch that comes after a key. */
export function contentsReader(db: Database): (after: string) => CachedContents[] {
  const batch = db.prepare<
    [string],
    Omit<CachedContents, 'isWhole' | 'isPinned'> & { whole: number; pinned: number }
  >(
    `SELECT k.key, b.size, b.room - b.pending AS room, b.accessed_at AS accessedAt,
       b.present * ${BLOCK_SIZE} >= b.size AS whole, EXISTS (SELECT 1 FROM pins p WHERE p.key = k.key) AS pinned
     FROM keys k JOIN blobs b ON b.id = k.blob_id
     WHERE k.key > ? AND b.state = ${BlobState.kept} ORDER BY k.key LIMIT ${BATCH}`,
  );
  return after =>
    batch
      .all(after)
      .map(({ whole, pinned, ...row }) => ({ ...row, isWhole: whole === 1, isPinned: pinned === 1 }));
}

export function* inBatches(next: (after: string) => CachedContents[]): Generator<CachedContents> {
  for (let last: string | undefined = ''; last !== undefined; ) {
    const rows = next(last);
    yield* rows;
    last = rows.at(-1)?.key;
  }
}
