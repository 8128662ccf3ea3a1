/**
 * Keeps the tree true to the files: implements the catalog's `Projector` on the tables `dirs`, `entries` and
 * `tree_changes`, inside the catalog's own transactions. Nothing here is rebuilt at start, and the work is proportional
 * to what changed.
 */
import type { Database, Statement } from 'better-sqlite3';
import { BulkInsert } from '../catalog/bulk-insert.js';
import {
  type CatalogFile,
  type CatalogFolder,
  EntryType,
  type Projector,
  type TakeInode,
} from '../catalog/projector.js';
import { ROOT_INODE } from '../catalog/schema.js';
import type { Arrangement, Placement } from './arrangement.js';
import { Collisions, isPlaceholder } from './collisions.js';
import { TreeChanges } from './tree-changes.js';

interface EntryRow {
  parent: number;
  name: string;
  ino: number;
  type: EntryType;
  wanted: string | null;
}

interface DirectoryRow {
  ino: number;
  parent: number;
  name: string;
  declared: number;
}

/** Directories whose inodes are remembered from one file to the next. */
const MAX_REMEMBERED = 100_000;

/** Permissions of a directory that no folder stands behind. */
const VIRTUAL_MODE = 0o040755;

export class TreeProjector implements Projector {
  readonly #arrangement: Arrangement;
  readonly #takeInode: TakeInode;
  readonly #collisions: Collisions;
  readonly #changes: TreeChanges;
  readonly #insertEntry: BulkInsert;
  readonly #insertDirectory: Statement;
  readonly #entry: Statement<[number, string], EntryRow>;
  readonly #entriesOf: Statement<[number], EntryRow>;
  readonly #removeEntry: Statement<[number, string]>;
  readonly #setType: Statement<[number, number]>;
  readonly #anyEntry: Statement<[number]>;
  readonly #directory: Statement<[number], DirectoryRow>;
  readonly #declare: Statement<[number, number, number]>;
  readonly #undeclare: Statement<[number]>;
  readonly #removeDirectory: Statement<[number]>;
  readonly #touch: Statement<[number, number]>;
  /** Path → inode, for directories that exist. */
  #remembered = new Map<string, number>();
  /** Directories that lost an entry, and may be empty. */
  #shrunk = new Set<number>();
  /** Directories in which names are to be given anew. */
  #contended = new Set<number>();

  constructor(db: Database, takeInode: TakeInode, arrangement: Arrangement) {
    this.#arrangement = arrangement;
    this.#takeInode = takeInode;
    this.#collisions = new Collisions(db);
    this.#changes = new TreeChanges(db);
    this.#insertEntry = new BulkInsert(
      db,
      'INSERT OR IGNORE INTO entries(parent, name, ino, type) VALUES',
      4,
      row => this.#onTaken(row[0] as number, row[1] as string, row[2] as number, row[3] as EntryType),
    );
    this.#insertDirectory = db.prepare(
      'INSERT INTO dirs(ino, parent, name, mtime_us, mode, declared) VALUES (?, ?, ?, ?, ?, 0)',
    );
    this.#entry = db.prepare(
      'SELECT parent, name, ino, type, wanted FROM entries WHERE parent = ? AND name = ?',
    );
    this.#entriesOf = db.prepare('SELECT parent, name, ino, type, wanted FROM entries WHERE ino = ?');
    this.#removeEntry = db.prepare('DELETE FROM entries WHERE parent = ? AND name = ?');
    this.#setType = db.prepare('UPDATE entries SET type = ? WHERE ino = ?');
    this.#anyEntry = db.prepare('SELECT 1 FROM entries WHERE parent = ? LIMIT 1');
    this.#directory = db.prepare('SELECT ino, parent, name, declared FROM dirs WHERE ino = ?');
    this.#declare = db.prepare('UPDATE dirs SET mtime_us = ?, mode = ?, declared = 1 WHERE ino = ?');
    this.#undeclare = db.prepare('UPDATE dirs SET declared = 0 WHERE ino = ?');
    this.#removeDirectory = db.prepare('DELETE FROM dirs WHERE ino = ?');
    this.#touch = db.prepare(
      `UPDATE dirs SET mtime_us = ? WHERE ino = ? AND (declared = 0 OR ino = ${ROOT_INODE})`,
    );
  }

  begin(changedElsewhere: boolean): void {
    if (changedElsewhere || this.#remembered.size > MAX_REMEMBERED) this.#remembered.clear();
    this.#changes.begin();
  }

  fileAdded(file: CatalogFile): void {
    for (const placement of this.#arrangement.placements(file)) this.#place(file, placement);
  }

  fileMoved(file: CatalogFile): void {
    this.#insertEntry.flush();
    const kept = new Set<string>();
    const wanted = this.#arrangement
      .placements(file)
      .map(placement => ({ parent: this.#ensureDirectory(placement.directory), name: placement.name }));
    for (const entry of this.#entriesOf.all(file.id)) {
      const place = wanted.find(
        each => each.parent === entry.parent && each.name === (entry.wanted ?? entry.name),
      );
      if (place) kept.add(`${place.parent}/${place.name}`);
      else this.#remove(entry);
    }
    this.#setType.run(file.type, file.id);
    this.fileChanged(file.id);
    for (const place of wanted) {
      if (kept.has(`${place.parent}/${place.name}`)) continue;
      this.#insertEntry.add(place.parent, place.name, file.id, file.type);
      this.#changes.added(place.parent);
    }
  }

  fileChanged(id: number): void {
    this.#insertEntry.flush();
    for (const entry of this.#entriesOf.all(id)) this.#replaced(entry.parent, entry.name);
  }

  fileRemoved(id: number): void {
    this.#insertEntry.flush();
    for (const entry of this.#entriesOf.all(id)) this.#remove(entry);
  }

  folderPut(folder: CatalogFolder): void {
    const path = this.#arrangement.directory(folder);
    if (path === undefined) return;
    const ino = this.#ensureDirectory(path);
    this.#declare.run(folder.mtimeUs, folder.mode, ino);
    this.#changes.attributes(ino);
  }

  folderRemoved(source: string, path: string): void {
    const directory = this.#arrangement.directory({ source, path, mtimeUs: 0, mode: 0 });
    const ino = directory === undefined ? undefined : this.#find(directory);
    if (ino === undefined) return;
    this.#undeclare.run(ino);
    this.#shrunk.add(ino);
  }

  finish(): void {
    this.#insertEntry.flush();
    for (const ino of this.#shrunk) this.#removeIfEmpty(ino);
    for (const parent of this.#contended) {
      this.#collisions.resolve(parent, (_, oldName, newName) => {
        this.#replaced(parent, oldName);
        this.#replaced(parent, newName);
      });
    }
    const now = Date.now() * 1000;
    for (const ino of this.#changes.changedListings()) this.#touch.run(now, ino);
    this.#changes.finish();
    this.#shrunk.clear();
    this.#contended.clear();
  }

  abandon(): void {
    this.#insertEntry.discard();
    this.#remembered.clear();
    this.#shrunk.clear();
    this.#contended.clear();
  }

  #place(file: CatalogFile, placement: Placement): void {
    const parent = this.#ensureDirectory(placement.directory);
    this.#insertEntry.add(parent, placement.name, file.id, file.type);
    this.#changes.added(parent);
  }

  /** An entry found its name in use, perhaps by itself (see `BulkInsert`). */
  #onTaken(parent: number, name: string, ino: number, type: EntryType): void {
    const holder = this.#entry.get(parent, name);
    if (holder?.ino === ino && holder.wanted === null) return;
    this.#collisions.insert(parent, name, ino, type);
    this.#contended.add(parent);
  }

  #remove(entry: EntryRow): void {
    this.#removeEntry.run(entry.parent, entry.name);
    this.#replaced(entry.parent, entry.name);
    this.#shrunk.add(entry.parent);
    if (this.#collisions.has(entry.parent)) this.#contended.add(entry.parent);
  }

  /** The name is gone or means something else. */
  #replaced(parent: number, name: string): void {
    if (isPlaceholder(name)) this.#changes.added(parent);
    else this.#changes.replaced(parent, name);
  }

  /** Removes a directory that nothing is in and nothing declares, and then perhaps those above it. */
  #removeIfEmpty(ino: number): void {
    const directory = this.#directory.get(ino);
    if (!directory || directory.declared === 1 || this.#anyEntry.get(ino)) return;
    this.#removeDirectory.run(ino);
    this.#remembered.clear();
    this.#remove({ ...directory, type: EntryType.directory, wanted: null });
    this.#removeIfEmpty(directory.parent);
  }

  /** The inode of the directory at a path, undefined when there is none. */
  #find(path: string): number | undefined {
    if (path === '') return ROOT_INODE;
    const known = this.#remembered.get(path);
    if (known !== undefined) return known;
    const { above, name } = splitLast(path);
    const parent = this.#find(above);
    if (parent === undefined) return undefined;
    this.#insertEntry.flush();
    const entry = this.#entry.get(parent, name);
    if (entry?.type !== EntryType.directory) return undefined;
    this.#remembered.set(path, entry.ino);
    return entry.ino;
  }

  #ensureDirectory(path: string): number {
    const known = this.#find(path);
    if (known !== undefined) return known;
    const { above, name } = splitLast(path);
    const ino = this.#createDirectory(this.#ensureDirectory(above), name);
    this.#remembered.set(path, ino);
    return ino;
  }

  #createDirectory(parent: number, name: string): number {
    const holder = this.#entry.get(parent, name);
    if (holder) {
      this.#collisions.displace(parent, name, holder);
      this.#replaced(parent, name);
      this.#contended.add(parent);
    }
    const ino = this.#takeInode();
    this.#insertDirectory.run(ino, parent, name, Date.now() * 1000, VIRTUAL_MODE);
    this.#insertEntry.add(parent, name, ino, EntryType.directory);
    this.#insertEntry.flush();
    this.#changes.created(ino);
    this.#changes.added(parent);
    return ino;
  }
}

function splitLast(path: string): { above: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { above: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}
