/**
 * Keeps the tree true to the files: implements the catalog's `Projector` on the tables `dirs`, `entries` and
 * `tree_changes`, inside the catalog's own transactions. Nothing here is rebuilt at start, and the work is proportional
 * to what changed.
 */
import type { Database, Statement } from 'better-sqlite3';
import { BulkInsert } from '../catalog/bulk-insert.js';
import { allFiles, entryType } from '../catalog/files.js';
import {
  type CatalogFile,
  type CatalogFolder,
  EntryType,
  type Projector,
  type TakeInode,
} from '../catalog/projector.js';
import { ROOT_INODE } from '../catalog/schema.js';
import { affectedFiles, allFolders } from './affected.js';
import type { Arrangement, FindsArrangement, Placement } from './arrangement.js';
import { Arrangements } from './arrangements.js';
import { Collisions, isPlaceholder } from './collisions.js';
import { Due } from './due.js';
import { TreeChanges } from './tree-changes.js';

interface EntryRow {
  parent: number;
  name: string;
  ino: number;
  type: EntryType;
  wanted: string | null;
  newest: number;
}

/** A place that a file is to have. */
interface Place {
  parent: number;
  name: string;
  newest: number;
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
  readonly #db: Database;
  readonly #arrangements: FindsArrangement;
  readonly #due: Due;
  readonly #takeInode: TakeInode;
  readonly #collisions: Collisions;
  readonly #changes: TreeChanges;
  readonly #insertEntry: BulkInsert;
  readonly #insertDirectory: Statement;
  readonly #insertDirectoryEntry: Statement<[number, string, number]>;
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
  readonly #hiddenOf: Statement<[number], Place>;
  readonly #unhide: Statement<[number, string, number]>;
  readonly #declared: Statement<[], { ino: number }>;
  readonly #declareVirtual: Statement<[number]>;
  #arrangement: Arrangement;
  /** The rules that were read may have been rolled back. */
  #isStale = false;
  /** Path → inode, for directories that exist. */
  #remembered = new Map<string, number>();
  /** Directories that lost an entry, and may be empty. */
  #shrunk = new Set<number>();
  /** Directories in which names are to be given anew. */
  #contended = new Set<number>();
  /** Directories that had no collisions when somebody looked. */
  #uncontended = new Set<number>();

  /** The arrangements are those of the rules in the catalog, unless others are given. */
  constructor(db: Database, takeInode: TakeInode, arrangements: FindsArrangement = new Arrangements(db)) {
    this.#db = db;
    this.#arrangements = arrangements;
    this.#arrangement = this.#arrangements.current();
    this.#due = new Due(db);
    this.#takeInode = takeInode;
    this.#collisions = new Collisions(db);
    this.#changes = new TreeChanges(db);
    this.#insertEntry = new BulkInsert(
      db,
      'INSERT OR IGNORE INTO entries(parent, name, ino, type, newest) VALUES',
      5,
      ([parent, name, ino, type, newest]) =>
        this.#onTaken(
          { parent: parent as number, name: name as string, newest: newest as number },
          ino as number,
          type as EntryType,
        ),
    );
    this.#insertDirectory = db.prepare(
      'INSERT INTO dirs(ino, parent, name, mtime_us, mode, declared) VALUES (?, ?, ?, ?, ?, 0)',
    );
    this.#insertDirectoryEntry = db.prepare(
      `INSERT INTO entries(parent, name, ino, type) VALUES (?, ?, ?, ${EntryType.directory})`,
    );
    this.#entry = db.prepare(
      'SELECT parent, name, ino, type, wanted, newest FROM entries WHERE parent = ? AND name = ?',
    );
    this.#entriesOf = db.prepare('SELECT parent, name, ino, type, wanted, newest FROM entries WHERE ino = ?');
    this.#removeEntry = db.prepare('DELETE FROM entries WHERE parent = ? AND name = ?');
    this.#setType = db.prepare('UPDATE entries SET type = ? WHERE ino = ?');
    this.#anyEntry = db.prepare('SELECT 1 FROM entries WHERE parent = ? LIMIT 1');
    this.#directory = db.prepare('SELECT ino, parent, name, declared FROM dirs WHERE ino = ?');
    this.#declare = db.prepare('UPDATE dirs SET mtime_us = ?, mode = ?, declared = 1 WHERE ino = ?');
    this.#undeclare = db.prepare(`UPDATE dirs SET declared = 0, mode = ${VIRTUAL_MODE} WHERE ino = ?`);
    this.#declared = db.prepare(`SELECT ino FROM dirs WHERE declared = 1 AND ino <> ${ROOT_INODE}`);
    this.#declareVirtual = db.prepare('UPDATE dirs SET declared = 1 WHERE ino = ?');
    this.#hiddenOf = db.prepare('SELECT parent, wanted AS name, 1 AS newest FROM hidden WHERE ino = ?');
    this.#unhide = db.prepare('DELETE FROM hidden WHERE parent = ? AND wanted = ? AND ino = ?');
    this.#removeDirectory = db.prepare('DELETE FROM dirs WHERE ino = ?');
    this.#touch = db.prepare(
      `UPDATE dirs SET mtime_us = ? WHERE ino = ? AND (declared = 0 OR ino = ${ROOT_INODE})`,
    );
  }

  begin(changedElsewhere: boolean): void {
    if (changedElsewhere || this.#remembered.size > MAX_REMEMBERED) this.#remembered.clear();
    if (changedElsewhere || this.#isStale) this.#arrangement = this.#arrangements.current();
    this.#isStale = false;
    this.#due.begin();
    this.#changes.begin();
  }

  fileAdded(file: CatalogFile): void {
    for (const placement of this.#placements(file)) this.#add(file, this.#placeOf(placement));
  }

  fileChanged(file: CatalogFile): void {
    this.#insertEntry.flush();
    const wanted = new Map<string, Place>();
    for (const placement of this.#placements(file)) {
      const place = this.#placeOf(placement);
      wanted.set(keyOf(place), place);
    }
    const type = entryType(file.mode);
    const entries = this.#entriesOf.all(file.id);
    for (const entry of entries) this.#keepOrRemove(entry, wanted);
    for (const hidden of this.#hiddenOf.all(file.id)) this.#keepHidden(hidden, file.id, wanted);
    if (entries.some(entry => entry.type !== type)) this.#setType.run(type, file.id);
    for (const place of wanted.values()) this.#add(file, place);
  }

  /** Takes the place of an entry that stays from what is still wanted. */
  #keepOrRemove(entry: EntryRow, wanted: Map<string, Place>): void {
    const key = keyOf({ ...entry, name: entry.wanted ?? entry.name });
    if (!wanted.delete(key)) {
      this.#remove(entry);
      return;
    }
    this.#replaced(entry.parent, entry.name);
    // It may be the newest by now, or no longer.
    if (entry.newest === 1 && this.#hasCollisions(entry.parent)) this.#contended.add(entry.parent);
  }

  #keepHidden(hidden: Place, ino: number, wanted: Map<string, Place>): void {
    if (!wanted.delete(keyOf(hidden))) this.#unhide.run(hidden.parent, hidden.name, ino);
    this.#contended.add(hidden.parent);
  }

  fileRemoved(id: number): void {
    this.#insertEntry.flush();
    for (const entry of this.#entriesOf.all(id)) this.#remove(entry);
    for (const hidden of this.#hiddenOf.all(id)) this.#unhide.run(hidden.parent, hidden.name, id);
    this.#due.forget(id);
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
    if (ino !== undefined) this.#undeclareDirectory(ino);
  }

  rulesChanged(): void {
    // What is queued belongs to the rules before.
    this.#insertEntry.flush();
    // What is in the tree has to be what the rules before say now, or what they would not change is not found.
    this.revisit(Number.MAX_SAFE_INTEGER);
    const before = this.#arrangement;
    this.#arrangement = this.#arrangements.current();
    const affected = affectedFiles(this.#db, before, this.#arrangement, Date.now());
    if (affected) for (const file of affected) this.fileChanged(file);
    else this.#placeAll();
    for (const { ino } of this.#declared.all()) this.#undeclareDirectory(ino);
    for (const path of this.#arrangement.declared) this.#declareVirtual.run(this.#ensureDirectory(path));
    if (this.#arrangement.showsFolders) for (const folder of allFolders(this.#db)) this.folderPut(folder);
  }

  /** Places every file anew, at half the cost of looking for each where it was. Directories keep their inodes. */
  #placeAll(): void {
    const directories = this.#db
      .prepare<[], EntryRow>(
        `SELECT parent, name, ino, type FROM entries WHERE type = ${EntryType.directory}`,
      )
      .all();
    // SQLite drops a whole table at once, which it cannot do with parts of one.
    this.#db.exec('DELETE FROM entries; DELETE FROM hidden; DELETE FROM due');
    for (const { parent, name, ino } of directories) {
      this.#insertDirectoryEntry.run(parent, name, ino);
      this.#shrunk.add(ino);
    }
    this.#changes.everything();
    for (const file of allFiles(this.#db)) this.fileAdded(file);
  }

  #undeclareDirectory(ino: number): void {
    this.#undeclare.run(ino);
    this.#changes.attributes(ino);
    this.#shrunk.add(ino);
  }

  revisit(limit: number): void {
    for (const file of this.#due.files(Date.now(), limit)) this.fileChanged(file);
  }

  finish(): void {
    this.#insertEntry.flush();
    // A hidden file may come forward and so keep its directory; the end of a directory may free its name for a file.
    this.#resolveCollisions();
    for (const ino of this.#shrunk) this.#removeIfEmpty(ino);
    this.#resolveCollisions();
    const now = Date.now() * 1000;
    for (const ino of this.#changes.changedListings()) this.#touch.run(now, ino);
    this.#changes.finish();
    this.#shrunk.clear();
    this.#uncontended.clear();
  }

  #resolveCollisions(): void {
    for (const parent of this.#contended) {
      this.#collisions.resolve(parent, (_, name) => this.#replaced(parent, name));
      this.#uncontended.delete(parent);
    }
    this.#contended.clear();
  }

  abandon(): void {
    this.#isStale = true;
    this.#insertEntry.discard();
    this.#remembered.clear();
    this.#shrunk.clear();
    this.#uncontended.clear();
    this.#contended.clear();
  }

  #placements(file: CatalogFile): readonly Placement[] {
    const clock = { now: Date.now(), due: Number.POSITIVE_INFINITY };
    const placements = this.#arrangement.placements(file, clock);
    this.#due.set(file.id, clock.due);
    return placements;
  }

  #placeOf({ directory, name, newest }: Placement): Place {
    return { parent: this.#ensureDirectory(directory), name, newest: newest ? 1 : 0 };
  }

  #add(file: CatalogFile, { parent, name, newest }: Place): void {
    this.#insertEntry.add(parent, name, file.id, entryType(file.mode), newest);
    this.#changes.added(parent);
  }

  /** An entry found its name in use, perhaps by itself (see `BulkInsert`). */
  #onTaken({ parent, name, newest }: Place, ino: number, type: EntryType): void {
    const holder = this.#entry.get(parent, name);
    if (holder?.ino === ino && holder.wanted === null) return;
    this.#collisions.insert(parent, name, ino, type, newest);
    this.#contended.add(parent);
  }

  #remove(entry: EntryRow): void {
    this.#removeEntry.run(entry.parent, entry.name);
    this.#replaced(entry.parent, entry.name);
    this.#shrunk.add(entry.parent);
    if (this.#hasCollisions(entry.parent)) this.#contended.add(entry.parent);
  }

  /** Looked up once: a directory that gets its first collision is in `#contended` anyway. */
  #hasCollisions(parent: number): boolean {
    if (this.#contended.has(parent)) return true;
    if (this.#uncontended.has(parent)) return false;
    if (this.#collisions.has(parent)) return true;
    this.#uncontended.add(parent);
    return false;
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
    this.#remove({ ...directory, type: EntryType.directory, wanted: null, newest: 0 });
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
    if (this.#insertEntry.holds(parent, name)) this.#insertEntry.flush();
    const holder = this.#entry.get(parent, name);
    if (holder) {
      this.#collisions.displace(parent, name, holder);
      this.#replaced(parent, name);
      this.#contended.add(parent);
    }
    const ino = this.#takeInode();
    this.#insertDirectory.run(ino, parent, name, Date.now() * 1000, VIRTUAL_MODE);
    // Never queued: whoever looks for a directory need not write what is.
    this.#insertDirectoryEntry.run(parent, name, ino);
    this.#changes.created(ino);
    this.#changes.added(parent);
    return ino;
  }
}

/** Two places with equal keys are the same: same directory, name and way to collide. */
function keyOf({ parent, name, newest }: Place): string {
  return `${parent}/${newest}/${name}`;
}

function splitLast(path: string): { above: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { above: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}
