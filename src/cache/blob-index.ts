/** The rows of blobs and of the keys that lead to them. Every method that writes belongs inside a transaction. */
import type { Database, Statement } from 'better-sqlite3';
import { blockCount } from './blocks.js';
import { BlobState } from './database.js';

export interface BlobRecord {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  /** How many of its blocks are there. */
  readonly present: number;
  readonly accessedAt: number;
  /** What its file was when all of its blocks were last known to be right; see `file-state.ts`. */
  readonly checkedState: string | null;
}

export interface Usage {
  blobs: number;
  /** Bytes of the disk that are used or set aside. */
  room: number;
  /** Those of them that may not have been written yet. */
  pending: number;
  /** Reads that the cache could answer, and could not. */
  hits: number;
  misses: number;
}

const COLUMNS =
  'b.id, b.name, b.size, b.present, b.accessed_at AS accessedAt, b.checked_state AS checkedState';

export function isWhole({ size, present }: BlobRecord): boolean {
  return present === blockCount(size);
}

export class BlobIndex {
  readonly #byKey: Statement<[string], BlobRecord>;
  readonly #byId: Statement<[number], BlobRecord>;
  readonly #byContents: Statement<[Buffer, number], BlobRecord>;
  readonly #add: Statement<[string, number, number, number, number, number]>;
  readonly #keep: Statement<[number, Buffer | null, number]>;
  readonly #setContents: Statement<[Buffer, number]>;
  readonly #setChecked: Statement<[string, number]>;
  readonly #setKey: Statement<[string, number]>;
  readonly #renameKey: Statement<[string, string]>;
  readonly #keysOf: Statement<[number], string>;
  readonly #release: Statement<[number]>;
  readonly #condemn: Statement<[number]>;
  readonly #forget: Statement<[number]>;
  readonly #deleteKeys: Statement<[number]>;
  readonly #deleteBlocks: Statement<[number]>;
  readonly #delete: Statement<[number]>;
  readonly #setPinned: Statement<[string]>;
  readonly #usage: Statement<[], Usage>;

  constructor(db: Database) {
    const kept = `b.state = ${BlobState.kept}`;
    this.#byKey = db.prepare(
      `SELECT ${COLUMNS} FROM keys k JOIN blobs b ON b.id = k.blob_id WHERE k.key = ? AND ${kept}`,
    );
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM blobs b WHERE b.id = ? AND ${kept}`);
    this.#byContents = db.prepare(
      `SELECT ${COLUMNS} FROM blobs b WHERE b.sha256 = ? AND b.size = ? AND ${kept}`,
    );
    this.#add = db.prepare(
      'INSERT INTO blobs(name, size, state, present, room, pending, pinned, accessed_at) VALUES (?, ?, ?, 0, ?, ?, 0, ?)',
    );
    this.#keep = db.prepare(
      `UPDATE blobs SET state = ${BlobState.kept}, present = ?, pending = 0, sha256 = ? WHERE id = ? AND state = ${BlobState.written}`,
    );
    this.#setContents = db.prepare('UPDATE blobs SET sha256 = ? WHERE id = ?');
    this.#setChecked = db.prepare('UPDATE blobs SET checked_state = ? WHERE id = ?');
    this.#setKey = db.prepare(
      'INSERT INTO keys VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET blob_id = excluded.blob_id',
    );
    this.#renameKey = db.prepare('UPDATE OR IGNORE keys SET key = ? WHERE key = ?');
    this.#keysOf = db
      .prepare<[number], string>('SELECT key FROM keys WHERE blob_id = ? ORDER BY key')
      .pluck();
    this.#release = db.prepare(
      `UPDATE blobs SET state = ${BlobState.leaving} WHERE id = ? AND NOT EXISTS (SELECT 1 FROM keys WHERE blob_id = blobs.id)`,
    );
    this.#condemn = db.prepare(
      `UPDATE blobs SET state = ${BlobState.leaving} WHERE id = ? AND state = ${BlobState.kept} AND pinned = 0`,
    );
    this.#forget = db.prepare(`UPDATE blobs SET state = ${BlobState.leaving}, pinned = 0 WHERE id = ?`);
    this.#deleteKeys = db.prepare('DELETE FROM keys WHERE blob_id = ?');
    this.#deleteBlocks = db.prepare('DELETE FROM blocks WHERE blob_id = ?');
    this.#delete = db.prepare('DELETE FROM blobs WHERE id = ?');
    this.#setPinned = db.prepare(
      `UPDATE blobs SET pinned = EXISTS (SELECT 1 FROM keys JOIN pins USING (key) WHERE blob_id = blobs.id)
       WHERE id = (SELECT blob_id FROM keys WHERE key = ?)`,
    );
    this.#usage = db.prepare('SELECT blobs, room, pending, hits, misses FROM usage');
  }

  /** The blob that a key leads to. */
  find(key: string): BlobRecord | undefined {
    return this.#byKey.get(key);
  }

  /** A blob that is kept. */
  get(id: number): BlobRecord | undefined {
    return this.#byId.get(id);
  }

  /** A whole blob with these contents, other than `except`. */
  findContents(sha256: Buffer, size: number, except = 0): BlobRecord | undefined {
    return this.#byContents.all(sha256, size).find(blob => blob.id !== except && isWhole(blob));
  }

  keysOf(id: number): string[] {
    return this.#keysOf.all(id);
  }

  usage(): Usage {
    return this.#usage.get() ?? { blobs: 0, room: 0, pending: 0, hits: 0, misses: 0 };
  }

  /** A blob that nobody finds yet; so much room is set aside for it. Returns its id. */
  addWritten(name: string, size: number, room: number): number {
    return Number(this.#add.run(name, size, BlobState.written, room, room, Date.now()).lastInsertRowid);
  }

  /** The blob's file is where files of blobs are, with so many blocks: keys may lead to it from now on. */
  keepWritten(id: number, present: number, sha256: Buffer | null): void {
    this.#keep.run(present, sha256, id);
  }

  setContents(id: number, sha256: Buffer): void {
    this.#setContents.run(sha256, id);
  }

  /** All blocks of the blob have their checksums, while its file was in this state. */
  setChecked(id: number, state: string): void {
    this.#setChecked.run(state, id);
  }

  /** Lets the key lead to this blob. What it led to before leaves, unless other keys lead there. */
  setKey(key: string, id: number): void {
    const before = this.find(key);
    if (before?.id === id) return;
    this.#setKey.run(key, id);
    this.setPinned(key);
    if (before !== undefined) this.#release.run(before.id);
  }

  /** Lets another key lead to what this one led to. Nothing happens when that one leads somewhere already. */
  renameKey(from: string, to: string): void {
    this.#renameKey.run(to, from);
  }

  /** Call it after the pin of the key has changed. */
  setPinned(key: string): void {
    this.#setPinned.run(key);
  }

  /** From now on nobody finds the blob; false when it is pinned, or has left already. */
  condemn(id: number): boolean {
    if (this.#condemn.run(id).changes === 0) return false;
    this.#deleteKeys.run(id);
    return true;
  }

  /**
   * The same though it is pinned, which its keys stay. It goes when nobody has it open: what comes under its key is another blob,
   * with nothing that anybody believes of this one.
   */
  forget(id: number): void {
    this.#forget.run(id);
    this.#deleteKeys.run(id);
  }

  /** Ends a blob whose file is gone. */
  delete(id: number): void {
    this.#deleteKeys.run(id);
    this.#deleteBlocks.run(id);
    this.#delete.run(id);
  }
}
