/**
 * Writes what Redis says of files to the catalog. A file is what its key says, so one with another path was renamed. Of two
 * files that want one path, the newer one is there and the other is set aside, whichever was told first.
 */
import {
  type FileAttributes,
  type Files,
  type KeyedFile,
  type KnownFile,
  sourcePath,
} from '../../catalog/files.js';
import type { SourceRecord } from '../../catalog/sources.js';
import type { CatalogWriter, WrittenFolder } from '../../catalog/writer.js';
import { type FoundReport, isAt, type ToldFile } from './reports.js';

/** Redis tells no permissions. */
const FILE_MODE = 0o100644;
export const FOLDER_MODE = 0o040755;

export interface AppliedCounts {
  added: number;
  modified: number;
  renamed: number;
  deleted: number;
}

/** A report of a file that is there, with what the catalog has of it. */
interface Told {
  report: FoundReport;
  file: ToldFile;
  known: KeyedFile | undefined;
}

/** Writes reports inside one transaction. `counts` is kept up to date. Returns the ids of the files that were told to be there. */
export function applyReports(
  writer: CatalogWriter,
  files: Files,
  source: SourceRecord,
  reports: readonly FoundReport[],
  counts: AppliedCounts,
): readonly number[] {
  const batch = new Applied(writer, files, source, counts);
  const told: Told[] = [];
  for (const report of reports) {
    const { file, known } = report;
    if (file === null) batch.remove(known);
    else if (file !== undefined) told.push({ report, file, known });
    else batch.describe(report);
  }
  batch.put(told);
  batch.removeEmptyFolders();
  return batch.present;
}

class Applied {
  readonly present: number[] = [];
  readonly #writer: CatalogWriter;
  readonly #files: Files;
  readonly #source: SourceRecord;
  readonly #counts: AppliedCounts;
  readonly #folders = new Map<string, WrittenFolder & { mtimeUs: number }>();
  /** Folders that files have left. */
  readonly #left = new Map<number, string>();
  /** Files that are there and have not got their new places yet. */
  readonly #moving = new Set<number>();

  constructor(writer: CatalogWriter, files: Files, source: SourceRecord, counts: AppliedCounts) {
    this.#writer = writer;
    this.#files = files;
    this.#source = source;
    this.#counts = counts;
  }

  remove(known: KeyedFile | undefined): void {
    if (!known || known.deletedAt !== null) return;
    this.#writer.deleteFile(known.id);
    this.#left.set(known.folderId, known.folderPath);
    this.#counts.deleted++;
  }

  describe({ known, properties }: FoundReport): void {
    if (!known || known.deletedAt !== null) return;
    if (this.#writer.tellFile(known.id, properties)) this.#counts.modified++;
  }

  /** Those that leave a place before those that may come there. */
  put(told: readonly Told[]): void {
    const { winners, losers } = contested(told);
    for (const { known, file } of [...winners, ...losers]) {
      if (known && known.deletedAt === null && !isAt(known, file)) this.#moving.add(known.id);
    }
    for (const each of losers) this.#setAside(each);
    const [moving, others] = [
      winners.filter(each => this.#isMoving(each)),
      winners.filter(each => !this.#isMoving(each)),
    ];
    for (const each of moving) this.#put(each);
    for (const each of others) this.#put(each);
  }

  #isMoving({ known }: Told): boolean {
    return known !== undefined && this.#moving.has(known.id);
  }

  #put(told: Told): void {
    const { file, known } = told;
    const folder = this.#folderOf(file);
    const holder = this.#files.at(folder.id, file.name);
    if (holder && holder.id !== known?.id && !this.#moving.has(holder.id)) {
      if (!isBefore(attributesOf(told), holder)) {
        this.#setAside(told);
        return;
      }
      this.#writer.deleteFile(holder.id);
      this.#counts.deleted++;
    }
    if (known) this.#moving.delete(known.id);
    if (known) this.#compare(told, known, folder);
    else this.#add(told, folder);
  }

  #add(told: Told, folder: WrittenFolder): void {
    const { file, report } = told;
    const id = this.#writer.addFile(this.#source, folder, file.name, attributesOf(told), report.properties);
    this.present.push(id);
    this.#counts.added++;
  }

  #compare(told: Told, known: KeyedFile, folder: WrittenFolder): void {
    const { file, report } = told;
    const attributes = attributesOf(told);
    const moved = !isAt(known, file);
    if (!moved && known.deletedAt !== null) {
      this.#add(told, folder);
      return;
    }
    this.present.push(known.id);
    if (moved) this.#bring(told, known, folder);
    const modified = known.size !== attributes.size || known.mtimeUs !== attributes.mtimeUs;
    if (modified)
      this.#writer.modifyFile(this.#source, folder.path, { ...known, name: file.name }, attributes);
    const described = this.#writer.tellFile(known.id, report.properties);
    if (known.deletedAt !== null) this.#counts.added++;
    else if (moved) this.#counts.renamed++;
    else if (modified || described) this.#counts.modified++;
  }

  /** A file that is at another place, or not there, comes to this one. */
  #bring({ file }: Told, known: KeyedFile, folder: WrittenFolder): void {
    this.#writer.renameFile(this.#source, folder, file.name, known.id, sourcePath(known), known);
    if (known.deletedAt === null) this.#left.set(known.folderId, known.folderPath);
  }

  /** Another file has the place. */
  #setAside(told: Told): void {
    const { file, known } = told;
    this.remove(known);
    if (known) this.#moving.delete(known.id);
    this.#writer.setAside(this.#folderOf(file), file.name, known?.id, attributesOf(told));
  }

  /** A folder is as new as the newest file that was ever put there. */
  #folderOf({ folderPath, mtimeUs }: ToldFile): WrittenFolder {
    const written = this.#folders.get(folderPath);
    if (written && written.mtimeUs >= mtimeUs) return written;
    const known = this.#files.folder(this.#source.id, folderPath);
    const newest = Math.max(mtimeUs, known?.deletedAt === null ? known.mtimeUs : 0);
    const { id } = this.#writer.putFolder(this.#source, folderPath, newest, FOLDER_MODE);
    const folder = { id, path: folderPath, mtimeUs: newest };
    this.#folders.set(folderPath, folder);
    return folder;
  }

  removeEmptyFolders(): void {
    for (const [id, path] of this.#left) {
      if (path !== '' && this.#files.isEmpty(id)) this.#writer.removeFolder(this.#source, { id, path });
    }
  }
}

/** Of those that want one path, one wins. */
function contested(told: readonly Told[]): { winners: Told[]; losers: Told[] } {
  const best = new Map<string, Told>();
  const losers: Told[] = [];
  for (const each of told) {
    const place = `${each.file.folderPath}/${each.file.name}`;
    const other = best.get(place);
    const wins = !other || isBefore(attributesOf(each), attributesOf(other));
    if (wins) best.set(place, each);
    if (other) losers.push(wins ? other : each);
  }
  // Side by side in the catalog's indexes, in whatever order Redis tells them.
  const winners = [...best].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
  return { winners, losers };
}

/** The newer one; of equal ones, that with the greater key: the same one for everybody who follows. */
function isBefore(
  one: Pick<KnownFile, 'mtimeUs' | 'key'>,
  other: Pick<KnownFile, 'mtimeUs' | 'key'>,
): boolean {
  if (one.mtimeUs !== other.mtimeUs) return one.mtimeUs > other.mtimeUs;
  return (one.key ?? '') > (other.key ?? '');
}

function attributesOf({ report, file }: Told): FileAttributes {
  const { size, mtimeUs } = file;
  const { key } = report;
  return { size, mtimeUs, mode: FILE_MODE, dev: null, ino: null, target: null, version: null, key };
}
