/**
 * Cleans up after processes that ended in the middle of something: files that were being written, blobs that were being
 * removed, room that was set aside and not used. What is still going on holds a lock, and is left alone. Cheap: it looks at
 * what is unsettled only, never at all blobs.
 */
import { closeSync } from 'node:fs';
import type { Statement } from 'better-sqlite3';
import type { BlobFiles } from './blob-files.js';
import type { BlobIndex } from './blob-index.js';
import type { BlockMap } from './block-map.js';
import { BLOCK_SIZE, pagesOf } from './blocks.js';
import { isNoSpace } from './cache-error.js';
import { BlobState, type IndexDatabase } from './database.js';
import { punchHole } from './libc.js';

interface Unsettled {
  id: number;
  name: string;
  size: number;
}

export class Recovery {
  readonly #index: IndexDatabase;
  readonly #blobs: BlobIndex;
  readonly #blocks: BlockMap;
  readonly #files: BlobFiles;
  readonly #unfinished: Statement<[], Unsettled>;
  readonly #pending: Statement<[], Unsettled>;
  readonly #byName: Statement<[string], Unsettled & { state: number }>;

  constructor(index: IndexDatabase, blobs: BlobIndex, blocks: BlockMap, files: BlobFiles) {
    this.#index = index;
    this.#blobs = blobs;
    this.#blocks = blocks;
    this.#files = files;
    // Written as the index has it: https://sqlite.org/partialindex.html
    this.#unfinished = index.db.prepare(`SELECT id, name, size FROM blobs WHERE state <> ${BlobState.kept}`);
    this.#pending = index.db.prepare(
      `SELECT id, name, size FROM blobs WHERE state = ${BlobState.kept} AND id IN (SELECT blob_id FROM blocks WHERE crc IS NULL)`,
    );
    this.#byName = index.db.prepare('SELECT id, name, size, state FROM blobs WHERE name = ?');
  }

  sweep(): void {
    for (const blob of this.#unfinished.all()) this.#settle(blob.name, () => this.#remove(blob));
    for (const name of this.#files.unfinished()) this.#settle(name, () => this.#removeUnfinished(name));
    for (const blob of this.#pending.all()) this.#settle(blob.name, fd => this.releasePending(blob, fd));
  }

  /** On a full disk files go though the index cannot be told: whoever sweeps next does that. */
  #settle(name: string, action: (fd: number | undefined) => void): void {
    try {
      this.#whenUnused(name, action);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
    }
  }

  /** A file of no blob, or of one that was being removed on a full disk: that of a blob that is kept is elsewhere. */
  #removeUnfinished(name: string): void {
    const blob = this.#byName.get(name);
    if (blob === undefined) this.#files.remove(name);
    else if (blob.state === BlobState.kept && this.#files.isRetired(name)) this.#remove(blob);
  }

  /** Does this file belong to no blob, and has nobody it open? */
  isStray(name: string): boolean {
    let isStray = false;
    this.#whenUnused(name, () => {
      // Once it is seized: whoever made it may have told the index in the meantime.
      isStray = this.#byName.get(name) === undefined;
    });
    return isStray;
  }

  removeStray(name: string): void {
    this.#whenUnused(name, () => {
      if (this.#byName.get(name) === undefined) this.#files.remove(name);
    });
  }

  #remove({ id, name }: Unsettled): void {
    this.#files.remove(name);
    this.#index.write(() => this.#blobs.delete(id));
  }

  /**
   * Gives back the room of blocks that are not there, and removes a blob of which nothing is, or that was forgotten. The caller has it to itself, open
   * as `fd`.
   */
  releasePending(blob: Unsettled, fd: number | undefined): void {
    if (fd === undefined) return;
    const pending = [...this.#blocks.pending(blob.id)];
    const released = pending.every(({ start, end }) =>
      punchHole(fd, start * BLOCK_SIZE, pagesOf(blob.size, { start, end })),
    );
    // Where holes cannot be made, their room still counts.
    if (released) this.#index.write(() => this.#blocks.release(blob));
    if (this.#isOver(blob)) this.#remove(blob);
  }

  /** Was it forgotten, or is it now, because nothing is there of it? */
  #isOver({ id, size }: Unsettled): boolean {
    const blob = this.#blobs.get(id);
    if (blob === undefined) return true;
    return size > 0 && blob.present === 0 && this.#index.write(() => this.#blobs.condemn(id));
  }

  /** Runs `action` when nobody has the file open; with undefined when there is none. */
  #whenUnused(name: string, action: (fd: number | undefined) => void): void {
    const fd = this.#files.seize(name);
    if (fd === 'in use') return;
    try {
      action(fd === 'gone' ? undefined : fd);
    } finally {
      if (fd !== 'gone') closeSync(fd);
    }
  }
}
