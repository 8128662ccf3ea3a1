/**
 * Removing blobs: those that nobody has read for the longest time first, never one that is pinned or open anywhere. A blob is
 * marked, its file removed, its row deleted, in this order: whatever happens in between, nobody finds a blob without a file,
 * and its room counts until the file is gone.
 */
import { closeSync } from 'node:fs';
import type { Statement } from 'better-sqlite3';
import type { BlobFiles } from './blob-files.js';
import type { BlobIndex } from './blob-index.js';
import { BlobState, type IndexDatabase } from './database.js';

/** Blobs that are removed in one go; each has a descriptor open meanwhile. */
const BATCH = 64;

interface Candidate {
  id: number;
  name: string;
  room: number;
  accessedAt: number;
}

export interface Evicted {
  blobs: number;
  bytes: number;
}

export class Evictor {
  readonly #index: IndexDatabase;
  readonly #blobs: BlobIndex;
  readonly #files: BlobFiles;
  readonly #oldest: Statement<{ at: number; id: number; before: number }, Candidate>;
  readonly #under: Statement<[string, string], Candidate>;

  constructor(index: IndexDatabase, blobs: BlobIndex, files: BlobFiles) {
    this.#index = index;
    this.#blobs = blobs;
    this.#files = files;
    this.#oldest = index.db.prepare(
      `SELECT id, name, room, accessed_at AS accessedAt FROM blobs
       WHERE state = ${BlobState.kept} AND pinned = 0 AND (accessed_at, id) > (:at, :id) AND accessed_at < :before
       ORDER BY accessed_at, id LIMIT ${BATCH}`,
    );
    this.#under = index.db.prepare(
      `SELECT DISTINCT b.id, b.name, b.room, b.accessed_at AS accessedAt FROM keys k JOIN blobs b ON b.id = k.blob_id
       WHERE k.key BETWEEN ? AND ? AND b.state = ${BlobState.kept} AND b.pinned = 0`,
    );
  }

  /** Removes the blobs that keys with this beginning lead to. */
  removeUnder(prefix: string): Evicted {
    const evicted = { blobs: 0, bytes: 0 };
    const found = this.#under.all(prefix, endOf(prefix));
    for (let at = 0; at < found.length; at += BATCH) this.#remove(found.slice(at, at + BATCH), evicted);
    return evicted;
  }

  /** Removes blobs, the least recently read first, until `bytes` of room are free again or no more can go. */
  free(bytes: number): Evicted {
    return this.#removeWhile(Number.MAX_SAFE_INTEGER, freed => freed < bytes);
  }

  /** Removes every blob that was last read before this time, in milliseconds since the epoch. */
  removeUnread(before: number): Evicted {
    return this.#removeWhile(before, () => true);
  }

  #removeWhile(before: number, wanted: (freed: number) => boolean): Evicted {
    const evicted = { blobs: 0, bytes: 0 };
    let position = { at: -1, id: 0 };
    while (wanted(evicted.bytes)) {
      const chosen = enough(this.#oldest.all({ ...position, before }), evicted.bytes, wanted);
      const last = chosen.at(-1);
      if (last === undefined) break;
      this.#remove(chosen, evicted);
      // What was open elsewhere is made up for by those that come next.
      position = { at: last.accessedAt, id: last.id };
    }
    return evicted;
  }

  #remove(candidates: readonly Candidate[], evicted: Evicted): void {
    const seized: (Candidate & { fd: number | undefined })[] = [];
    try {
      for (const candidate of candidates) {
        const fd = this.#files.seize(candidate.name);
        if (fd !== 'in use') seized.push({ ...candidate, fd: fd === 'gone' ? undefined : fd });
      }
      const leaving = this.#index.write(() => seized.filter(({ id }) => this.#blobs.condemn(id)));
      for (const { name } of leaving) this.#files.remove(name);
      this.#index.write(() => {
        for (const { id } of leaving) this.#blobs.delete(id);
      });
      evicted.blobs += leaving.length;
      evicted.bytes += leaving.reduce((sum, { room }) => sum + room, 0);
    } finally {
      for (const { fd } of seized) if (fd !== undefined) closeSync(fd);
    }
  }
}

/** Behind all keys with this beginning. */
export function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** As many of the candidates as are wanted when `freed` bytes are free already. */
function enough(
  candidates: readonly Candidate[],
  freed: number,
  wanted: (freed: number) => boolean,
): Candidate[] {
  let planned = freed;
  return candidates.filter(({ room }) => {
    const isWanted = wanted(planned);
    planned += room;
    return isWanted;
  });
}
