/**
 * Removing blobs: those that nobody has read for the longest time first, never one that is pinned or open anywhere. A blob is
 * marked, its file removed, its row deleted, in this order: whatever happens in between, nobody finds a blob without a file,
 * and its room counts until the file is gone. On a disk so full that nothing can be marked, files go first.
 */
import { closeSync, ftruncateSync } from 'node:fs';
import type { Statement } from 'better-sqlite3';
import type { BlobFiles } from './blob-files.js';
import type { BlobIndex } from './blob-index.js';
import { isNoSpace } from './cache-error.js';
import { BlobState, type IndexDatabase } from './database.js';

/** Blobs that are removed in one go; each has a descriptor open meanwhile. */
const BATCH = 64;

const COLUMNS = 'b.id, b.name, b.room, b.accessed_at AS accessedAt';

interface Candidate {
  id: number;
  name: string;
  room: number;
  accessedAt: number;
}

/** Nobody else has its file open: here it is, if there is one. */
interface Seized extends Candidate {
  fd: number | undefined;
}

export interface Evicted {
  blobs: number;
  bytes: number;
  /** Blobs that would have gone, were they not pinned or open. */
  kept: number;
}

export class Evictor {
  readonly #index: IndexDatabase;
  readonly #blobs: BlobIndex;
  readonly #files: BlobFiles;
  readonly #oldest: Statement<{ at: number; id: number }, Candidate>;
  readonly #pinned: Statement<[number], number>;
  readonly #isPinned: Statement<[number], number>;
  readonly #pinsOf: Statement<[number], string>;
  readonly #ofKey: Statement<[string], Candidate>;
  readonly #under: Statement<[string, string], Candidate>;

  constructor(index: IndexDatabase, blobs: BlobIndex, files: BlobFiles) {
    this.#index = index;
    this.#blobs = blobs;
    this.#files = files;
    this.#oldest = index.db.prepare(
      `SELECT ${COLUMNS} FROM blobs b
       WHERE state = ${BlobState.kept} AND pinned = 0 AND (accessed_at, id) > (:at, :id)
       ORDER BY accessed_at, id LIMIT ${BATCH}`,
    );
    this.#pinned = index.db
      .prepare<[number], number>('SELECT count(*) FROM blobs WHERE pinned = 1 AND accessed_at < ?')
      .pluck();
    this.#isPinned = index.db.prepare<[number], number>('SELECT pinned FROM blobs WHERE id = ?').pluck();
    this.#pinsOf = index.db
      .prepare<[number], string>('SELECT key FROM keys JOIN pins USING (key) WHERE blob_id = ?')
      .pluck();
    this.#ofKey = index.db.prepare(
      `SELECT ${COLUMNS} FROM keys k JOIN blobs b ON b.id = k.blob_id WHERE k.key = ? AND b.state = ${BlobState.kept}`,
    );
    this.#under = index.db.prepare(
      `SELECT DISTINCT ${COLUMNS} FROM keys k JOIN blobs b ON b.id = k.blob_id
       WHERE k.key BETWEEN ? AND ? AND b.state = ${BlobState.kept}`,
    );
  }

  /** Removes the blobs that keys with this beginning lead to. */
  removeUnder(prefix: string): Evicted {
    const evicted = { blobs: 0, bytes: 0, kept: 0 };
    const found = this.#under.all(prefix, endOf(prefix));
    for (let at = 0; at < found.length; at += BATCH) this.#remove(found.slice(at, at + BATCH), evicted);
    return evicted;
  }

  /**
   * Removes blobs, the least recently read first: all that were last read before a time, in milliseconds since the epoch, and
   * more until `bytes` of room are free again or no more can go. What is pinned is not even looked at: `countPinned` tells how
   * many of those last read before `until` would have gone.
   */
  remove({ before = 0, bytes = 0 }): Evicted & { until: number } {
    const evicted = { blobs: 0, bytes: 0, kept: 0 };
    let position = { at: -1, id: 0 };
    for (;;) {
      const chosen = wanted(this.#oldest.all(position), before, bytes - evicted.bytes);
      const last = chosen.at(-1);
      if (last === undefined) {
        const isEnough = evicted.bytes >= bytes;
        return { ...evicted, until: isEnough ? Math.max(before, position.at) : Number.MAX_SAFE_INTEGER };
      }
      this.#remove(chosen, evicted);
      // What was open elsewhere is made up for by those that come next.
      position = { at: last.accessedAt, id: last.id };
    }
  }

  /** How many pinned blobs were last read before this time. */
  countPinned(before: number): number {
    return this.#pinned.get(before) ?? 0;
  }

  /** Removes blobs, up to so many bytes, that no pins keep but those of these keys, on a full disk. Returns their bytes. */
  removePinned(keys: readonly string[], bytes: number): number {
    const theirs = new Set(keys);
    const mayGo = (id: number) => this.#pinsOf.all(id).every(key => theirs.has(key));
    const candidates = keys.flatMap(key => this.#ofKey.all(key)).filter(({ id }) => mayGo(id));
    let removed = 0;
    // Several at a time: one that is small makes no room to tell the index even of itself.
    for (let at = 0; at < candidates.length && removed < bytes; ) {
      const chosen = wanted(candidates.slice(at, at + BATCH), 0, bytes - removed);
      removed += bytesOf(this.#whenSeized(chosen, seized => this.#removeFilesFirst(seized, mayGo)));
      at += chosen.length;
    }
    return removed;
  }

  #remove(candidates: readonly Candidate[], evicted: Evicted): void {
    const removed = this.#whenSeized(candidates, seized => this.#removeSeized(seized));
    evicted.blobs += removed.length;
    evicted.kept += candidates.length - removed.length;
    evicted.bytes += bytesOf(removed);
  }

  /** Gives `action` those that nobody else has open; nobody else can meanwhile. */
  #whenSeized(candidates: readonly Candidate[], action: (seized: readonly Seized[]) => Seized[]): Seized[] {
    const seized: Seized[] = [];
    try {
      for (const candidate of candidates) {
        const fd = this.#files.seize(candidate.name);
        if (fd !== 'in use') seized.push({ ...candidate, fd: fd === 'gone' ? undefined : fd });
      }
      return action(seized);
    } finally {
      for (const { fd } of seized) if (fd !== undefined) closeSync(fd);
    }
  }

  /** Returns those that were not pinned. */
  #removeSeized(seized: readonly Seized[]): Seized[] {
    try {
      const leaving = this.#index.write(() => seized.filter(({ id }) => this.#blobs.condemn(id)));
      for (const { name } of leaving) this.#files.remove(name);
      this.#index.write(() => {
        for (const { id } of leaving) this.#blobs.delete(id);
      });
      return leaving;
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      return this.#removeFilesFirst(seized, id => this.#isPinned.get(id) === 0);
    }
  }

  /** The files make the room in which the index is told. */
  #removeFilesFirst(seized: readonly Seized[], mayGo: (id: number) => boolean): Seized[] {
    // A transaction that writes nothing needs no room, and while it lasts nobody pins.
    const emptied = this.#index.write(() => {
      const going = seized.filter(({ id }) => mayGo(id));
      for (const each of going) this.#empty(each);
      return going;
    });
    for (const { id, name } of emptied) {
      this.#index.checkpoint();
      this.#index.write(() => this.#blobs.delete(id));
      this.#files.remove(name);
    }
    return emptied;
  }

  /** Gives the room of a file back that is still open here. Who finds a blob without a file finds nothing. */
  #empty({ name, fd }: Seized): void {
    this.#files.retire(name);
    if (fd !== undefined) ftruncateSync(fd);
  }
}

/** Behind all keys with this beginning. */
export function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** Of candidates in their order, those from before a time and as many more as have so many bytes. */
function wanted(candidates: readonly Candidate[], before: number, bytes: number): Candidate[] {
  let planned = 0;
  return candidates.filter(({ accessedAt, room }) => {
    const isWanted = accessedAt < before || planned < bytes;
    planned += room;
    return isWanted;
  });
}

function bytesOf(blobs: readonly Candidate[]): number {
  return blobs.reduce((sum, { room }) => sum + room, 0);
}
