/** Reads the catalog's files and folders. Writing them is `writer.ts`. */
import type { Database, Statement } from 'better-sqlite3';
import { type KeyedRow, KNOWN_COLUMNS, type KnownRow, type PresentRow } from './file-rows.js';
import { type CatalogFile, EntryType } from './projector.js';

/** What a source says of one file. */
export interface FileAttributes {
  size: number;
  /** Microseconds since the epoch; a file system's nanoseconds are cut. */
  mtimeUs: number;
  /** st_mode: the type of the file and its permissions. */
  mode: number;
  /** With `ino`, recognises a file that was renamed; null where the source has nothing of the kind. */
  dev: number | null;
  ino: number | null;
  /** Where a symbolic link points to. */
  target: string | null;
  /** What a remote source calls this version of the contents; null where it has no name for it. */
  version: string | null;
  /** What a remote source calls the whole path, where that is not the path below its root. */
  key: string | null;
}

/** A file as the catalog knows it inside one folder: what a scan compares a listing with. */
export interface KnownFile {
  id: number;
  name: string;
  size: number;
  mtimeUs: number;
  mode: number;
  dev: number | null;
  ino: number | null;
  target: string | null;
  version: string | null;
  key: string | null;
}

/** The same with the folder that it is or was in. */
export interface LocatedFile extends KnownFile {
  folderPath: string;
}

/** What its source calls a file. */
export type FileKey = Pick<KnownFile, 'id' | 'key'>;

/** A file that its source knows by a key, with the place it has or had. */
export interface KeyedFile extends LocatedFile {
  folderId: number;
  deletedAt: number | null;
}

/** A file with the place it has in its source. */
export interface FileRecord extends FileAttributes {
  id: number;
  sourceId: number;
  source: string;
  /** The source's URI, as it was added. */
  sourceUri: string;
  folderPath: string;
  name: string;
  sha256: Uint8Array | null;
  /** ms since the epoch, null while the file is there. */
  deletedAt: number | null;
}

/** Enough of a file to open it. */
export type FileLocation = Pick<
  FileRecord,
  'sourceId' | 'folderPath' | 'name' | 'size' | 'mtimeUs' | 'version' | 'key' | 'sha256'
>;

export interface FolderRecord {
  id: number;
  path: string;
  mtimeUs: number;
  mode: number;
  deletedAt: number | null;
}

export interface SourceTotals {
  files: number;
  folders: number;
  bytes: number;
}

type FolderPlace = Pick<FileRecord, 'sourceId' | 'folderPath'>;

/** Folders that are remembered: a few megabytes. */
const MAX_PLACES = 20_000;

const TYPE_BITS = 0o170000;
const LINK_BITS = 0o120000;

/** The columns of a `FileRecord`, of the tables `files f`, `folders d` and `sources s`. */
export const RECORD_COLUMNS = `
  f.id, s.id AS sourceId, s.name AS source, s.uri AS sourceUri, d.path AS folderPath, f.name, f.size, f.mtime_us AS mtimeUs,
         f.mode, f.dev, f.ino, f.target, f.version, f.key, f.sha256, f.deleted_at AS deletedAt`;

const RECORD = `
  SELECT ${RECORD_COLUMNS}
  FROM files f JOIN folders d ON d.id = f.folder_id JOIN sources s ON s.id = d.source_id`;

/** What the tree is told of a file. */
export const CATALOG_FILE = `
  SELECT f.id, s.name AS source, d.path AS folderPath, f.name, f.mode, f.size, f.mtime_us AS mtimeUs
  FROM files f JOIN folders d ON d.id = f.folder_id JOIN sources s ON s.id = d.source_id`;

const PAGE = 5_000;

/** Every file that is there, in the order of ids. Reads page by page: others may write meanwhile, this connection too. */
export function* allFiles(db: Database): Generator<CatalogFile> {
  const files: Statement<[number], CatalogFile> = db.prepare(
    `${CATALOG_FILE} WHERE f.id > ? AND f.deleted_at IS NULL ORDER BY f.id LIMIT ${PAGE}`,
  );
  for (let after = 0; ; ) {
    const page = files.all(after);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? after;
  }
}

const FOLDER = 'SELECT id, path, mtime_us AS mtimeUs, mode, deleted_at AS deletedAt FROM folders';

export class Files {
  readonly #db: Database;
  readonly #byId: Statement<[number], FileRecord>;
  readonly #present: Statement<[number], PresentRow>;
  readonly #folderPlace: Statement<[number], FolderPlace>;
  /** A folder's path and source never change, so they are looked up once for all its files. */
  readonly #places = new Map<number, FolderPlace>();
  readonly #inFolder: Statement<[number], KnownRow>;
  readonly #folder: Statement<[number, string], FolderRecord>;
  readonly #foldersBelow: Statement<[{ source: number; path: string }], { id: number; path: string }>;
  readonly #nextFolder: Statement<[number, string, string], { path: string }>;
  readonly #withInode: Statement<[number, number, number, number], LocatedFile>;
  readonly #withVersion: Statement<[string, number], LocatedFile>;
  readonly #withKey: Statement<[string], KeyedRow>;
  readonly #at: Statement<[number, string], KnownFile>;
  readonly #asideAt: Statement<[number, string], string>;
  readonly #page: Statement<[number, number, number], FileKey>;
  readonly #anyIn: Statement<[number]>;

  constructor(db: Database) {
    this.#db = db;
    this.#byId = db.prepare(`${RECORD} WHERE f.id = ?`);
    this.#present = db
      .prepare<[number], PresentRow>(
        'SELECT folder_id, name, size, mtime_us, version, key, sha256 FROM files WHERE id = ? AND deleted_at IS NULL',
      )
      .raw();
    this.#folderPlace = db.prepare(
      'SELECT source_id AS sourceId, path AS folderPath FROM folders WHERE id = ?',
    );
    this.#inFolder = db
      .prepare<[number], KnownRow>(
        `SELECT ${KNOWN_COLUMNS} FROM files WHERE folder_id = ? AND deleted_at IS NULL ORDER BY name`,
      )
      .raw();
    this.#folder = db.prepare(`${FOLDER} WHERE source_id = ? AND path = ?`);
    this.#foldersBelow = db.prepare(
      `SELECT id, path FROM folders WHERE source_id = @source AND path = @path AND deleted_at IS NULL
       UNION ALL
       SELECT id, path FROM folders WHERE source_id = @source AND path >= @path || '/' AND path < @path || '0' AND deleted_at IS NULL`,
    );
    this.#nextFolder = db.prepare(
      `SELECT path FROM folders WHERE source_id = ? AND path >= ? AND path < ? AND deleted_at IS NULL ORDER BY path LIMIT 1`,
    );
    const columns =
      'f.id, f.name, f.size, f.mtime_us AS mtimeUs, f.mode, f.dev, f.ino, f.target, f.version, f.key';
    const known = `SELECT ${columns}, d.path AS folderPath FROM files f JOIN folders d ON d.id = f.folder_id`;
    this.#withInode = db.prepare(
      `${known} WHERE f.ino = ? AND f.dev = ? AND d.source_id = ? AND (f.deleted_at IS NOT NULL) = ?
       ORDER BY f.deleted_at DESC`,
    );
    this.#withVersion = db.prepare(
      `${known} WHERE f.version = ? AND d.source_id = ? AND f.deleted_at IS NULL`,
    );
    this.#withKey = db
      .prepare<[string], KeyedRow>(`SELECT ${KNOWN_COLUMNS}, folder_id, deleted_at FROM files WHERE key = ?`)
      .raw();
    this.#at = db.prepare(
      `SELECT ${columns} FROM files f WHERE f.folder_id = ? AND f.name = ? AND f.deleted_at IS NULL`,
    );
    this.#asideAt = db
      .prepare<[number, string], string>(
        'SELECT DISTINCT key FROM files WHERE folder_id = ? AND name = ? AND deleted_at IS NOT NULL AND key IS NOT NULL',
      )
      .pluck();
    this.#anyIn = db.prepare('SELECT 1 FROM files WHERE folder_id = ? AND deleted_at IS NULL LIMIT 1');
    this.#page = db.prepare(
      // CROSS: in the order of ids, without sorting all of the source for each page.
      `SELECT f.id, f.key FROM files f CROSS JOIN folders d ON d.id = f.folder_id
       WHERE f.id > ? AND d.source_id = ? AND f.deleted_at IS NULL ORDER BY f.id LIMIT ?`,
    );
  }

  get(id: number): FileRecord | undefined {
    return this.#byId.get(id);
  }

  /** Where a file that is there is; four times as fast as its whole record. */
  locate(id: number): FileLocation | undefined {
    const row = this.#present.get(id);
    if (!row) return undefined;
    const [folder, name, size, mtimeUs, version, key, sha256] = row;
    const place = this.#placeOf(folder);
    return place && { ...place, name, size, mtimeUs, version, key, sha256 };
  }

  #placeOf(folder: number): FolderPlace | undefined {
    const known = this.#places.get(folder);
    if (known) return known;
    const place = this.#folderPlace.get(folder);
    if (this.#places.size >= MAX_PLACES) this.#places.clear();
    if (place) this.#places.set(folder, place);
    return place;
  }

  /** The file at a path of a source (`work/a.pdf`). */
  find(sourceId: number, path: string): FileRecord | undefined {
    const slash = path.lastIndexOf('/');
    const folder = this.folder(sourceId, path.slice(0, Math.max(slash, 0)));
    if (!folder) return undefined;
    return this.#db
      .prepare<[number, string], FileRecord>(
        `${RECORD} WHERE f.folder_id = ? AND f.name = ? AND f.deleted_at IS NULL`,
      )
      .get(folder.id, path.slice(slash + 1));
  }

  folder(sourceId: number, path: string): FolderRecord | undefined {
    return this.#folder.get(sourceId, path);
  }

  /** The files that are in a folder, in the order of their names' bytes. */
  inFolder(folderId: number): KnownFile[] {
    return this.#inFolder.all(folderId).map(knownFile);
  }

  /** The folders of a source that are there, each with its id. */
  foldersOf(sourceId: number): IterableIterator<{ id: number; path: string }> {
    return this.#db
      .prepare<[number], { id: number; path: string }>(
        'SELECT id, path FROM folders WHERE source_id = ? AND deleted_at IS NULL',
      )
      .iterate(sourceId);
  }

  /** A folder of a source and those below it, those that are there. */
  foldersBelow(sourceId: number, path: string): { id: number; path: string }[] {
    return this.#foldersBelow.all({ source: sourceId, path });
  }

  /** Is there a file in a folder or below it? Looks no further than the first one. */
  anyBelow(sourceId: number, path: string): boolean {
    if (path === '') return this.totals(sourceId).files > 0;
    for (const { id } of this.#foldersBelow.iterate({ source: sourceId, path })) {
      if (!this.isEmpty(id)) return true;
    }
    return false;
  }

  /** The names of the folders directly in one. One look at the index for each, however much is below. */
  *subfolders(sourceId: number, path: string): Generator<string> {
    const prefix = path === '' ? '' : `${path}/`;
    // '0' is the character after '/'.
    const end = path === '' ? '\u{10ffff}' : `${path}0`;
    for (let from = `${prefix}\u0001`; ; ) {
      const next = this.#nextFolder.get(sourceId, from, end)?.path;
      if (next === undefined) return;
      const slash = next.indexOf('/', prefix.length);
      if (slash === -1) yield next.slice(prefix.length);
      from = slash === -1 ? `${next}\u0001` : `${next.slice(0, slash)}0`;
    }
  }

  /** Files of one source with these numbers of its file system, those deleted last first: the candidates for a rename. */
  withInode(sourceId: number, dev: number, ino: number, which: 'present' | 'deleted'): LocatedFile[] {
    return this.#withInode.all(ino, dev, sourceId, which === 'deleted' ? 1 : 0);
  }

  /** The same for a remote source, which calls their versions so. */
  withVersion(sourceId: number, version: string): LocatedFile[] {
    return this.#withVersion.all(version, sourceId);
  }

  /**
   * For each of these keys the one file that a source ever called so, also one that is deleted. Not those that the present
   * transaction added. In one transaction: to lock the database for each would take as long as the search.
   */
  withKeys(sourceId: number, keys: readonly string[]): Map<string, KeyedFile | undefined> {
    return this.#db.transaction(() => new Map(keys.map(key => [key, this.#keyed(sourceId, key)])))();
  }

  #keyed(sourceId: number, key: string): KeyedFile | undefined {
    for (const row of this.#withKey.all(key)) {
      const [folderId, deletedAt] = [row[10], row[11]];
      const place = this.#placeOf(folderId);
      if (place?.sourceId === sourceId)
        return { ...knownFile(row), folderId, folderPath: place.folderPath, deletedAt };
    }
    return undefined;
  }

  /** The file that is in a folder under this name. */
  at(folderId: number, name: string): KnownFile | undefined {
    return this.#at.get(folderId, name);
  }

  /** The keys of the files that were there, or would be if another one was not. */
  keysAside(folderId: number, name: string): string[] {
    return this.#asideAt.all(folderId, name);
  }

  /** Every file of a source that is there, in the order of ids, in pages: others may write meanwhile. */
  *pagesOf(sourceId: number, size: number): Generator<FileKey[]> {
    for (let after = 0; ; ) {
      const page = this.#page.all(after, sourceId, size);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      after = page.at(-1)?.id ?? after;
    }
  }

  isEmpty(folderId: number): boolean {
    return this.#anyIn.get(folderId) === undefined;
  }

  /** The next regular files of a source after the file `after`: those without a checksum, or `all`. */
  toHash(sourceId: number, after: number, limit: number, all: boolean): FileRecord[] {
    return this.#db
      .prepare<[number, number, number], FileRecord>(
        `${RECORD} WHERE d.source_id = ? AND f.id > ? ${all ? '' : 'AND f.sha256 IS NULL'} AND f.deleted_at IS NULL
         AND f.mode & ${TYPE_BITS} = ${0o100000} ORDER BY f.id LIMIT ?`,
      )
      .all(sourceId, after, limit);
  }

  totals(sourceId: number): SourceTotals {
    const totals = this.#db
      .prepare<[number], SourceTotals>('SELECT files, folders, bytes FROM totals WHERE source_id = ?')
      .get(sourceId);
    return totals ?? { files: 0, folders: 0, bytes: 0 };
  }
}

function knownFile([id, name, size, mtimeUs, mode, dev, ino, target, version, key]:
  | KnownRow
  | KeyedRow): KnownFile {
  return { id, name, size, mtimeUs, mode, dev, ino, target, version, key };
}

/** The `d_type` that belongs to an st_mode. */
export function entryType(mode: number): EntryType {
  switch (mode & TYPE_BITS) {
    case 0o040000:
      return EntryType.directory;
    case LINK_BITS:
      return EntryType.link;
    default:
      return EntryType.file;
  }
}

export function isLink(mode: number): boolean {
  return (mode & TYPE_BITS) === LINK_BITS;
}

/** `docs:work/a.pdf`: what a file is called where it may not be in the tree. */
export function originOf(file: { source: string; folderPath: string; name: string }): string {
  return `${file.source}:${sourcePath(file)}`;
}

/** The path of a file below its source's root. */
export function sourcePath(file: { folderPath: string; name: string }): string {
  return file.folderPath === '' ? file.name : `${file.folderPath}/${file.name}`;
}
