/** How much a cache holds. Apart from the rest, because who asks only this need not load what serves contents. */
import type { Database } from 'better-sqlite3';
import { IndexDatabase } from './database.js';
import { freeBytes, type Limits } from './space.js';

export interface CacheStatus {
  blobs: number;
  /** Bytes of the disk that contents take, and those set aside. */
  bytes: number;
  /** Of them, those that are pinned. */
  pinned: number;
  /** Keys that are pinned, whether or not anything is there of them. */
  pins: number;
  maxSize: number;
  minFree: number;
  /** Bytes that are free on the disk. */
  free: number;
  /** Reads that the cache could answer, and could not, of all processes. */
  hits: number;
  misses: number;
}

type Counted = Pick<CacheStatus, 'blobs' | 'bytes' | 'hits' | 'misses'>;

/** Throws as `Cache.open` does: `not-found` where nobody has made a cache yet. */
export function statusOf(directory: string, limits: Pick<Limits, 'maxSize' | 'minFree'>): CacheStatus {
  const index = new IndexDatabase(directory, 'brief');
  try {
    return readStatus(index.db, directory, limits);
  } finally {
    index.close();
  }
}

export function readStatus(
  db: Database,
  directory: string,
  { maxSize, minFree }: Pick<Limits, 'maxSize' | 'minFree'>,
): CacheStatus {
  const counted = db.prepare<[], Counted>('SELECT blobs, room AS bytes, hits, misses FROM usage').get() ?? {
    blobs: 0,
    bytes: 0,
    hits: 0,
    misses: 0,
  };
  const pinnedRoom = db
    .prepare<[], number>('SELECT coalesce(sum(room), 0) FROM blobs WHERE pinned = 1')
    .pluck();
  const pins = db.prepare<[], number>('SELECT count(*) FROM pins').pluck().get() ?? 0;
  return { ...counted, pinned: pinnedRoom.get() ?? 0, pins, maxSize, minFree, free: freeBytes(directory) };
}
