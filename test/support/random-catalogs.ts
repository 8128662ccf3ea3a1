/** Random changes to a catalog as its sources and users make them: files come, change, move and go; things are said of them. */
import type { Catalog } from '../../src/catalog/catalog.js';
import { type FileAttributes, type FileRecord, sourcePath } from '../../src/catalog/files.js';
import type { SourceRecord } from '../../src/catalog/sources.js';
import type { CatalogWriter, Description } from '../../src/catalog/writer.js';
import { attributes, FOLDER_MODE, LINK_MODE } from './catalogs.js';

export type Pick = (below: number) => number;

interface Place {
  path: string;
  name: string;
}

const [FOLDERS, NAMES] = [4, 40];

/** Makes one change, in a transaction. */
export function changeCatalog(catalog: Catalog, source: SourceRecord, pick: Pick): void {
  const place = { path: `folder ${pick(FOLDERS)}`, name: `${pick(NAMES)}` };
  const file = catalog.files.find(source.id, `${place.path}/${place.name}`);
  catalog.write(writer => {
    if (file && pick(5) > 0) change(writer, source, file, pick);
    else if (file)
      move(catalog, writer, source, file, { path: `folder ${pick(FOLDERS)}`, name: `${pick(NAMES)}` });
    else add(writer, source, place, pick);
  });
}

function randomAttributes(pick: Pick): FileAttributes {
  // Now and then a link: those are not published.
  const link = pick(10) === 0 ? { mode: LINK_MODE, target: 'x' } : {};
  return attributes({ size: pick(1_000), mtimeUs: 1_700_000_000_000_000 + pick(1_000) * 1_000, ...link });
}

function add(writer: CatalogWriter, source: SourceRecord, { path, name }: Place, pick: Pick): void {
  const { id } = writer.putFolder(source, path, 0, FOLDER_MODE);
  writer.addFile(source, { id, path }, name, randomAttributes(pick));
}

function change(writer: CatalogWriter, source: SourceRecord, file: FileRecord, pick: Pick): void {
  const kind = pick(5);
  if (kind === 0) writer.deleteFile(file.id);
  else if (kind === 1) writer.modifyFile(source, file.folderPath, file, randomAttributes(pick));
  else writer.describeFile(file, randomDescription(pick));
}

function randomDescription(pick: Pick): Description {
  const value = pick(3);
  const properties = { [`p.${pick(20)}`]: value || null };
  return [{ properties }, { add: [`l${value}`] }, { remove: [`l${value}`] }][pick(3)] ?? {};
}

function move(
  { files }: Catalog,
  writer: CatalogWriter,
  source: SourceRecord,
  file: FileRecord,
  { path, name }: Place,
): void {
  const holder = files.find(source.id, `${path}/${name}`);
  if (holder?.id === file.id) return;
  if (holder) writer.deleteFile(holder.id);
  const { id } = writer.putFolder(source, path, 0, FOLDER_MODE);
  writer.renameFile(source, { id, path }, name, file.id, sourcePath(file), file);
}
