/** Catalogs in temporary folders, and what is written into them. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Database } from 'better-sqlite3';
import { Catalog } from '../../src/catalog/catalog.js';
import type { Access } from '../../src/catalog/database.js';
import { Descriptions } from '../../src/catalog/descriptions.js';
import type { FileAttributes } from '../../src/catalog/files.js';
import type { SourceOptions, SourceRecord } from '../../src/catalog/sources.js';
import { type Arrangement, defaultArrangement } from '../../src/tree/arrangement.js';
import { TreeProjector } from '../../src/tree/project.js';
import { temporaryFolder } from './temporary-folder.js';

/** Opens a catalog that projects its files by `arrangement`. */
export function openCatalog(
  file: string,
  arrangement: Arrangement = defaultArrangement,
  access?: Access,
): Catalog {
  return new Catalog(
    file,
    (db, takeInode) => new TreeProjector(db, takeInode, { current: () => arrangement }),
    access,
  );
}

/** A new catalog for the length of a test. */
export function temporaryCatalog(context: TestContext, arrangement?: Arrangement): Catalog {
  const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'), arrangement);
  context.after(() => catalog.close());
  return catalog;
}

export const everything: SourceOptions = { include: [], exclude: [], follow: false };

/** Makes a source known whose files are written by the test itself. */
export function putSource(catalog: Catalog, name = 'docs', uri = `/nowhere/${name}`): SourceRecord {
  return catalog.write(() => catalog.sources.add(name, uri, everything));
}

export const FOLDER_MODE = 0o040755;
export const FILE_MODE = 0o100644;
export const LINK_MODE = 0o120777;

export function attributes(given: Partial<FileAttributes> = {}): FileAttributes {
  return {
    size: 1,
    mtimeUs: 1_000_000,
    mode: FILE_MODE,
    dev: null,
    ino: null,
    target: null,
    version: null,
    key: null,
    ...given,
  };
}

/** Adds files to a folder of a source, in one transaction. Returns their ids. */
export function putFiles(
  catalog: Catalog,
  source: SourceRecord,
  folderPath: string,
  names: readonly string[],
  given: Partial<FileAttributes> = {},
): number[] {
  return catalog.write(writer => {
    const { id } = writer.putFolder(source, folderPath, 0, FOLDER_MODE);
    const folder = { id, path: folderPath };
    return names.map(name => writer.addFile(source, folder, name, attributes(given)));
  });
}

export interface Change {
  fileId: number;
  kind: string;
  detail: unknown;
}

/** The change log from its beginning, or after a position. */
export function changesOf(catalog: Catalog, after = 0): Change[] {
  const rows = catalog.db
    .prepare<[number], { fileId: number; kind: string; detail: string | null }>(
      'SELECT file_id AS fileId, kind, detail FROM changes WHERE seq > ? ORDER BY seq',
    )
    .all(after);
  return rows.map(row => ({ ...row, detail: row.detail === null ? null : JSON.parse(row.detail) }));
}

export function labelsOf({ db }: Catalog, id: number): string[] {
  return new Descriptions(db).labels(id);
}

/** Every row of every table; without `state`, in which a scan notes when it was. */
export function contentsOf(db: Database): Record<string, unknown[]> {
  const tables = db
    .prepare<[], { name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
    .all();
  const contents: Record<string, unknown[]> = {};
  for (const { name } of tables) {
    const rows = db.prepare<[], Record<string, unknown>>(`SELECT * FROM "${name}"`).all();
    contents[name] = rows.map(({ state: _, ...row }) => row);
  }
  return contents;
}
