/**
 * The one way to change a catalog: inside `Catalog.write`, file by file and folder by folder. Each change goes to the
 * tables, to the change log and to the tree's projector, all in the transaction of that `write`.
 */
import type { Database, Statement } from 'better-sqlite3';
import { AppliedRules } from './applied-rules.js';
import { BulkInsert } from './bulk-insert.js';
import type { ChangeKind, ChangeLog } from './changes.js';
import { Descriptions, type PropertyChanges } from './descriptions.js';
import type { FileAttributes, FileRecord, Files, FolderRecord, KnownFile } from './files.js';
import type { CatalogFile, Projector, TakeInode } from './projector.js';
import type { SourceRecord } from './sources.js';

/** A folder of a source, for the files that are written into it. */
export interface WrittenFolder {
  id: number;
  path: string;
}

/** What changes of what users say of a file. */
export interface Description {
  /** Labels. */
  add?: readonly string[];
  remove?: readonly string[];
  properties?: PropertyChanges;
}

export class CatalogWriter {
  readonly #files: Files;
  readonly #log: ChangeLog;
  readonly #projector: Projector;
  readonly #takeInode: TakeInode;
  readonly #insertFile: BulkInsert;
  readonly #insertFolder: Statement;
  readonly #updateFolder: Statement;
  readonly #modify: Statement;
  readonly #identify: Statement;
  readonly #move: Statement;
  readonly #stepAside: Statement;
  readonly #markDeleted: Statement;
  readonly #markFolderDeleted: Statement;
  readonly #deletedAt: Statement<[number, string, string | null], { id: number }>;
  readonly #setAside: Statement;
  readonly #restore: Statement;
  readonly #anyDeleted: Statement;
  readonly #setHash: Statement;
  readonly #rules: AppliedRules;
  readonly #descriptions: Descriptions;
  #restorable = false;
  /** Ids of files added in a row and not logged yet. */
  #added: { first: number; last: number } | undefined;

  constructor(db: Database, files: Files, log: ChangeLog, projector: Projector, takeInode: TakeInode) {
    this.#files = files;
    this.#log = log;
    this.#projector = projector;
    this.#takeInode = takeInode;
    this.#insertFile = new BulkInsert(
      db,
      'INSERT OR FAIL INTO files(id, folder_id, name, size, mtime_us, mode, dev, ino, target, version, key) VALUES',
      11,
    );
    this.#insertFolder = db.prepare(
      'INSERT INTO folders(source_id, path, mtime_us, mode) VALUES (?, ?, ?, ?)',
    );
    this.#updateFolder = db.prepare(
      'UPDATE folders SET mtime_us = ?, mode = ?, deleted_at = NULL WHERE id = ?',
    );
    this.#modify = db.prepare(
      'UPDATE files SET size = ?, mtime_us = ?, mode = ?, target = ?, sha256 = CASE WHEN ? THEN sha256 END WHERE id = ?',
    );
    // Apart, as SQLite would write three indexes anew for the same values.
    this.#identify = db.prepare('UPDATE files SET dev = ?, ino = ?, version = ?, key = ? WHERE id = ?');
    this.#move = db.prepare('UPDATE files SET folder_id = ?, name = ?, deleted_at = NULL WHERE id = ?');
    // NUL cannot be part of a name on disk.
    this.#stepAside = db.prepare(
      'UPDATE files SET name = char(0) || id WHERE folder_id = ? AND name = ? AND id <> ? AND deleted_at IS NULL',
    );
    this.#markDeleted = db.prepare('UPDATE files SET deleted_at = ? WHERE id = ?');
    this.#markFolderDeleted = db.prepare('UPDATE folders SET deleted_at = ? WHERE id = ?');
    this.#deletedAt = db.prepare(
      `SELECT id FROM files WHERE folder_id = ? AND name = ? AND key IS ? AND deleted_at IS NOT NULL
       ORDER BY deleted_at DESC LIMIT 1`,
    );
    this.#setAside = db.prepare(
      `INSERT INTO files(id, folder_id, name, size, mtime_us, mode, key, deleted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(id) DO UPDATE SET folder_id = excluded.folder_id, name = excluded.name`,
    );
    this.#restore = db.prepare('UPDATE files SET deleted_at = NULL WHERE id = ?');
    this.#anyDeleted = db.prepare('SELECT 1 FROM files WHERE deleted_at IS NOT NULL LIMIT 1');
    this.#rules = new AppliedRules(db);
    this.#descriptions = new Descriptions(db);
    this.#setHash = db.prepare('UPDATE files SET sha256 = ? WHERE id = ? AND size = ? AND mtime_us = ?');
  }

  /** For `Catalog.write` alone. */
  begin(): void {
    this.#restorable = this.#anyDeleted.get() !== undefined;
  }

  /** For `Catalog.write` alone: everything queued is in the tables afterwards. */
  finish(): void {
    this.#logAdded();
  }

  /** For `Catalog.write` alone. */
  abandon(): void {
    this.#insertFile.discard();
    this.#added = undefined;
  }

  /** The folder is there with these attributes. Returns its record, and whether it is new. */
  putFolder(
    source: SourceRecord,
    path: string,
    mtimeUs: number,
    mode: number,
  ): { id: number; isNew: boolean } {
    const known = this.#files.folder(source.id, path);
    if (known && known.deletedAt === null && known.mtimeUs === mtimeUs && known.mode === mode) {
      return { id: known.id, isNew: false };
    }
    const id = this.#writeFolder(source.id, path, mtimeUs, mode, known);
    this.#projector.folderPut({ source: source.name, path, mtimeUs, mode });
    return { id, isNew: known === undefined || known.deletedAt !== null };
  }

  #writeFolder(
    sourceId: number,
    path: string,
    mtimeUs: number,
    mode: number,
    known: FolderRecord | undefined,
  ): number {
    if (known) {
      this.#updateFolder.run(mtimeUs, mode, known.id);
      return known.id;
    }
    return Number(this.#insertFolder.run(sourceId, path, mtimeUs, mode).lastInsertRowid);
  }

  /** The files of a folder, with those that this transaction has added. */
  filesIn(folder: WrittenFolder): KnownFile[] {
    this.#insertFile.flush();
    return this.#files.inFolder(folder.id);
  }

  /** The folder is gone. Its files are to be deleted, or moved, before. */
  removeFolder(source: SourceRecord, folder: WrittenFolder): void {
    this.#markFolderDeleted.run(Date.now(), folder.id);
    this.#projector.folderRemoved(source.name, folder.path);
  }

  /**
   * A file that was not there, and what its source tells of it. One that was deleted from this very path, and had the same
   * key, comes back with its id. Returns the id.
   */
  addFile(
    source: SourceRecord,
    folder: WrittenFolder,
    name: string,
    attributes: FileAttributes,
    told?: PropertyChanges,
  ): number {
    const deleted = this.#restorable ? this.#deletedAt.get(folder.id, name, attributes.key) : undefined;
    const id = deleted
      ? this.#restoreFile(deleted.id, attributes)
      : this.#newFile(folder.id, name, attributes);
    if (told) this.#descriptions.tell(id, told);
    this.#projector.fileAdded(placed(id, source.name, folder.path, name, attributes));
    return id;
  }

  #newFile(folderId: number, name: string, a: FileAttributes): number {
    const id = this.#takeInode();
    this.#insertFile.add(
      id,
      folderId,
      name,
      a.size,
      a.mtimeUs,
      a.mode,
      a.dev,
      a.ino,
      a.target,
      a.version,
      a.key,
    );
    if (this.#added) this.#added.last = id;
    else this.#added = { first: id, last: id };
    return id;
  }

  #restoreFile(id: number, attributes: FileAttributes): number {
    this.#restore.run(id);
    this.#update(id, attributes, false);
    this.#identifyAs(id, attributes);
    this.#append('restored', id);
    return id;
  }

  /** Size, time, mode or link target are others; contents may be (`sameContents` keeps the checksum). */
  modifyFile(source: SourceRecord, folderPath: string, known: KnownFile, attributes: FileAttributes): void {
    const sameContents =
      known.size === attributes.size &&
      known.mtimeUs === attributes.mtimeUs &&
      known.version === attributes.version;
    this.#update(known.id, attributes, sameContents);
    if (!isSameIdentity(known, attributes)) this.#identifyAs(known.id, attributes);
    this.#append('modified', known.id);
    this.#projector.fileChanged(placed(known.id, source.name, folderPath, known.name, attributes));
  }

  /** Numbers of the file system that a user never sees have changed: no entry in the log. */
  refreshInode(id: number, attributes: FileAttributes): void {
    this.#insertFile.flush();
    this.#identifyAs(id, attributes);
  }

  /**
   * The file is at another path of its source, with its id, and whatever hangs on it; if it was deleted, it is there again.
   * A file that has this path now is to be renamed itself, before the transaction ends.
   */
  renameFile(
    source: SourceRecord,
    folder: WrittenFolder,
    name: string,
    id: number,
    from: string,
    a: FileAttributes,
  ): void {
    this.#insertFile.flush();
    if (this.#files.get(id)?.deletedAt) this.#append('restored', id);
    this.#stepAside.run(folder.id, name, id);
    this.#move.run(folder.id, name, id);
    this.#update(id, a, true);
    this.#identifyAs(id, a);
    this.#append('renamed', id, { from });
    this.#projector.fileChanged(placed(id, source.name, folder.path, name, a));
  }

  /**
   * What users say of a file changes: labels come and go, properties are set, or taken away where they are null. A file that
   * was deleted meanwhile comes back with what is said of it. Returns whether anything else was said before.
   */
  describeFile({ id }: Pick<FileRecord, 'id'>, description: Description): boolean {
    this.#insertFile.flush();
    if (!this.#files.get(id) || !this.#describe(id, description)) return false;
    this.#described(id);
    return true;
  }

  #described(id: number): void {
    this.#append('described', id);
    // Whoever says something may have found the file long ago: another process can have moved it since.
    const file = this.#files.get(id);
    if (!file || file.deletedAt !== null) return;
    this.#projector.fileChanged(placed(id, file.source, file.folderPath, file.name, file));
  }

  #describe(id: number, { add = [], remove = [], properties = {} }: Description): boolean {
    const changes = [
      this.#descriptions.removeLabels(id, remove),
      this.#descriptions.addLabels(id, add),
      this.#descriptions.setProperties(id, properties),
    ];
    return changes.includes(true);
  }

  /** What a file's source tells of it is different: null, that it tells nothing any more. Returns whether it was. */
  tellFile(id: number, told: PropertyChanges): boolean {
    this.#insertFile.flush();
    if (!this.#descriptions.tell(id, told)) return false;
    this.#described(id);
    return true;
  }

  /** Other rules are in force: `document` is what `text` says, as JSON. */
  putRules(text: string, document: string): void {
    this.#insertFile.flush();
    this.#rules.put(text, document);
    this.#projector.rulesChanged();
  }

  /** Marks a file as deleted. The row stays, so that it can come back with its id. */
  deleteFile(id: number): void {
    this.#insertFile.flush();
    this.#markDeleted.run(Date.now(), id);
    this.#append('deleted', id);
    this.#projector.fileRemoved(id);
    this.#restorable = true;
  }

  /**
   * Another file has the place that this one is to have: it is kept there as one that is deleted, for when that one goes.
   * `known`: its id, and it is deleted already.
   */
  setAside(folder: WrittenFolder, name: string, known: number | undefined, a: FileAttributes): void {
    const id = known ?? this.#takeInode();
    this.#setAside.run(id, folder.id, name, a.size, a.mtimeUs, a.mode, a.key, Date.now());
    this.#restorable = true;
  }

  /**
   * Records the checksum of the version that `file` describes; does nothing when the file is another version by now.
   * Returns whether another checksum was known: then the contents changed unnoticed, and that is logged.
   */
  setHash(file: FileRecord, sha256: Uint8Array): boolean {
    if (this.#setHash.run(sha256, file.id, file.size, file.mtimeUs).changes === 0) return false;
    if (file.sha256 === null || Buffer.compare(file.sha256, sha256) === 0) return false;
    this.#append('modified', file.id);
    this.#projector.fileChanged(placed(file.id, file.source, file.folderPath, file.name, file));
    return true;
  }

  #update(id: number, a: FileAttributes, sameContents: boolean): void {
    this.#insertFile.flush();
    this.#modify.run(a.size, a.mtimeUs, a.mode, a.target, sameContents ? 1 : 0, id);
  }

  #identifyAs(id: number, { dev, ino, version, key }: FileAttributes): void {
    this.#identify.run(dev, ino, version, key, id);
  }

  #append(kind: Exclude<ChangeKind, 'added'>, id: number, detail?: object): void {
    this.#logAdded();
    this.#log.append(kind, id, detail);
  }

  #logAdded(): void {
    this.#insertFile.flush();
    if (this.#added) this.#log.appendAdded(this.#added.first, this.#added.last);
    this.#added = undefined;
  }
}

function isSameIdentity(known: KnownFile, a: FileAttributes): boolean {
  return known.dev === a.dev && known.ino === a.ino && known.version === a.version && known.key === a.key;
}

function placed(
  id: number,
  source: string,
  folderPath: string,
  name: string,
  { mode, size, mtimeUs }: Pick<FileAttributes, 'mode' | 'size' | 'mtimeUs'>,
): CatalogFile {
  return { id, source, folderPath, name, size, mtimeUs, mode };
}
