/** A large catalog with properties and labels, made without a file on the disk. */
import type { Database } from 'better-sqlite3';
import type { SourceRecord } from '../../src/catalog/sources.js';
import type { CatalogWriter, WrittenFolder } from '../../src/catalog/writer.js';
import type { Property } from '../../src/query/facts.js';
import { openCatalog } from '../../src/tree/open-catalog.js';

const PER_FOLDER = 50;
const PER_TRANSACTION = 20_000;
const GENRES = ['drama', 'comedy', 'horror', 'western', 'crime', 'war', 'music', 'family', 'other', 'none'];
const EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  media: ['mkv', 'mp4'],
  docs: ['pdf', 'txt', 'odt', 'md'],
  photos: ['jpg', 'raw'],
};

/** A third of the files each in `media`, `docs` and `photos`; those in `media` have properties, one in a thousand a label. */
export function fillCatalog(file: string, files: number): void {
  const catalog = openCatalog(file);
  const options = { include: [], exclude: [], follow: false };
  try {
    for (const name of ['media', 'docs', 'photos']) {
      const source = catalog.write(() => catalog.sources.add(name, `/nowhere/${name}`, options));
      const count = Math.floor(files / 3);
      for (let from = 0; from < count; from += PER_TRANSACTION) {
        const to = Math.min(from + PER_TRANSACTION, count);
        catalog.write(writer => fill(writer, source, from, to));
        if (name === 'media') describe(catalog.db, source, from, to);
      }
    }
  } finally {
    catalog.close();
  }
}

function fill(writer: CatalogWriter, source: SourceRecord, from: number, to: number): void {
  const extensions = EXTENSIONS[source.name] ?? ['txt'];
  let folder: WrittenFolder | undefined;
  for (let nth = from; nth < to; nth++) {
    if (nth % PER_FOLDER === 0 || !folder) {
      const path = `f${Math.floor(nth / PER_FOLDER)}`;
      folder = { path, id: writer.putFolder(source, path, nth * 1e6, 0o040755).id };
    }
    const name = `n${nth}${nth % 100 === 7 ? ' report' : ''}.${extensions[nth % extensions.length]}`;
    writer.addFile(source, folder, name, {
      size: (nth * 7919) % 10_000_000,
      mtimeUs: (1_300_000_000 + nth * 300) * 1e6,
      mode: 0o100644,
      dev: null,
      ino: null,
      target: null,
      version: null,
      key: null,
    });
  }
}

/** By SQL, as a million log entries are not what is measured. */
function describe(db: Database, source: SourceRecord, from: number, to: number): void {
  const ids = db
    .prepare<[number, number, number], { id: number }>(
      `SELECT f.id FROM files f JOIN folders d ON d.id = f.folder_id WHERE d.source_id = ? ORDER BY f.id LIMIT ? OFFSET ?`,
    )
    .all(source.id, to - from, from);
  const setProperties = db.prepare('INSERT INTO properties(file_id, json) VALUES (?, ?)');
  const setLabel = db.prepare('INSERT INTO labels(label, file_id) VALUES (?, ?)');
  db.transaction(() => {
    for (const [at, { id }] of ids.entries()) {
      setProperties.run(id, JSON.stringify(propertiesOf(from + at)));
      if ((from + at) % 1_000 === 0) setLabel.run('rare', id);
    }
  })();
}

function propertiesOf(nth: number): Record<string, Property> {
  const shared = { genre: GENRES[nth % GENRES.length] ?? 'none', year: 1950 + (nth % 75) };
  if (nth % 3 > 0) return { ...shared, title: `Title ${nth}` };
  return { ...shared, title: `Series ${nth % 900}`, season: nth % 12, episode: nth % 24 };
}
