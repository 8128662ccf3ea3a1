/** What has to be placed anew when other rules come into force. Reads page by page, so that memory stays flat. */
import type { Database, Statement } from 'better-sqlite3';
import { allFiles } from '../catalog/files.js';
import type { CatalogFile, CatalogFolder } from '../catalog/projector.js';
import type { Arrangement } from './arrangement.js';

const PAGE = 5_000;

/** Every file that could be elsewhere by now, in the order of their ids. */
export function* affectedFiles(
  db: Database,
  _before: Arrangement,
  _after: Arrangement,
): Generator<CatalogFile> {
  yield* allFiles(db);
}

/** Every folder that is there. */
export function* allFolders(db: Database): Generator<CatalogFolder> {
  const folders: Statement<[number], CatalogFolder & { id: number }> = db.prepare(
    `SELECT d.id, s.name AS source, d.path, d.mtime_us AS mtimeUs, d.mode FROM folders d JOIN sources s ON s.id = d.source_id
     WHERE d.id > ? AND d.deleted_at IS NULL ORDER BY d.id LIMIT ${PAGE}`,
  );
  for (let after = 0; ; ) {
    const page = folders.all(after);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? after;
  }
}
