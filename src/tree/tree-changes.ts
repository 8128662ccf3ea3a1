/**
 * What a kernel that has the tree in its caches must forget, recorded in the table `tree_changes`: a bounded tail, read
 * by each mount. Names that are merely new cost one row a directory, whatever their number, and none where the directory
 * itself is new; nobody can have cached them.
 */
import type { Database, Statement } from 'better-sqlite3';
import { ROOT_INODE } from '../catalog/schema.js';

/** Rows kept. A mount that falls further behind forgets everything. */
const KEPT = 100_000;

export interface TreeChange {
  seq: number;
  /** The directory's inode. */
  parent: number;
  /** The entry that is gone or means something else; null when only the listing or attributes of `parent` changed. */
  name: string | null;
}

export class TreeChanges {
  readonly #insert: Statement<[number, string | null]>;
  readonly #prune: Statement<[number]>;
  readonly #skip: Statement<[]>;
  #isEverything = false;
  #created = new Set<number>();
  #listings = new Set<number>();
  #replaced: { parent: number; name: string }[] = [];
  #attributes = new Set<number>();

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO tree_changes(parent, name) VALUES (?, ?)');
    this.#skip = db.prepare(
      `INSERT INTO tree_changes(seq, parent) SELECT coalesce(max(seq), 0) + 2, ${ROOT_INODE} FROM tree_changes`,
    );
    this.#prune = db.prepare('DELETE FROM tree_changes WHERE seq <= (SELECT max(seq) FROM tree_changes) - ?');
  }

  begin(): void {
    this.#created.clear();
    this.#listings.clear();
    this.#attributes.clear();
    this.#replaced = [];
    this.#isEverything = false;
  }

  /** A directory is new. */
  created(ino: number): void {
    this.#created.add(ino);
  }

  /** A name was added to a directory. */
  added(parent: number): void {
    this.#listings.add(parent);
  }

  /** A name is gone, or leads to another inode, other contents or other attributes. */
  replaced(parent: number, name: string): void {
    this.#listings.add(parent);
    if (this.#replaced.length >= KEPT) this.#isEverything = true;
    if (!this.#isEverything) this.#replaced.push({ parent, name });
  }

  /** The whole tree is another one. */
  everything(): void {
    this.#isEverything = true;
  }

  /** A directory has other attributes. */
  attributes(ino: number): void {
    this.#attributes.add(ino);
  }

  /** Directories whose listing changed, new ones included. */
  changedListings(): Iterable<number> {
    return this.#listings;
  }

  /** Writes what a kernel can have cached. */
  finish(): void {
    if (this.#isEverything) {
      // A number is left out, which every reader takes for changes that are no longer kept.
      this.#skip.run();
      this.#prune.run(1);
      return;
    }
    for (const ino of new Set([...this.#listings, ...this.#attributes])) {
      if (!this.#created.has(ino)) this.#insert.run(ino, null);
    }
    for (const { parent, name } of this.#replaced) {
      if (!this.#created.has(parent)) this.#insert.run(parent, name);
    }
    this.#prune.run(KEPT);
  }
}

/** Reads the tail of changes, for a mount. */
export class TreeChangeReader {
  readonly #after: Statement<[number, number], TreeChange>;
  readonly #bounds: Statement<[], { first: number | null; last: number | null }>;

  constructor(db: Database) {
    this.#after = db.prepare('SELECT seq, parent, name FROM tree_changes WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#bounds = db.prepare('SELECT min(seq) AS first, max(seq) AS last FROM tree_changes');
  }

  lastSeq(): number {
    return this.#bounds.get()?.last ?? 0;
  }

  /** The changes after `seq`, at most `limit`; undefined when some of them are no longer kept. */
  after(seq: number, limit: number): TreeChange[] | undefined {
    const first = this.#bounds.get()?.first;
    if (first !== null && first !== undefined && first > seq + 1) return undefined;
    return this.#after.all(seq, limit);
  }
}
