/**
 * Compares listings, of a whole source or of some folders, with what the catalog knows, and writes what differs. What was
 * not met is only noted: whether it is gone is decided at the end.
 */
import type { Catalog } from '../catalog/catalog.js';
import { type FileAttributes, type KnownFile, sourcePath } from '../catalog/files.js';
import type { SourceRecord } from '../catalog/sources.js';
import type { CatalogWriter, WrittenFolder } from '../catalog/writer.js';
import { attributesAt, type FolderListing } from '../sources/source.js';
import { RemoteRenames } from './remote-renames.js';
import { isSameInode, type Moved, type Place, Renames, renamedInside } from './renames.js';
import type { Renamed, UpdateCounts } from './scanning.js';

/** A file that the catalog has and that was not met. */
export interface Vanished {
  id: number;
  path: string;
}

/** Files in one transaction. */
const SETTLED_AT_ONCE = 4_000;

export class Update {
  /** Files that were known before and are still there. */
  kept = 0;
  /** Folders in which a file that changed has another name: what is written to it by the one is not told of the other. */
  readonly twins = new Set<string>();
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  readonly #counts: UpdateCounts;
  /** Folders that the catalog has and the crawl has not met yet. */
  readonly #unseen = new Map<number, string>();
  /** Files that were not in their folder when that was listed, by their ids. */
  readonly #vanished = new Map<number, string>();
  readonly #renames: Renames;
  readonly #remoteRenames: RemoteRenames;
  /** Files that changed places with others, and were not met at their new ones yet. */
  readonly #exchanged = new Set<number>();
  /** Nothing is known of the source yet, so nothing can have been renamed. */
  readonly #isFirst: boolean;

  /** `counts` is kept up to date. `root` is the real path of the source's folder. */
  constructor(catalog: Catalog, source: SourceRecord, root: string, counts: UpdateCounts) {
    this.#catalog = catalog;
    this.#source = source;
    this.#counts = counts;
    this.#renames = new Renames(catalog.files, source.id, root, source.options.follow);
    this.#remoteRenames = new RemoteRenames(catalog.files, source.id);
    this.#isFirst = catalog.files.folder(source.id, '') === undefined;
  }

  /** These folders are gone, unless a listing turns up for one of them. */
  expectGone(folders: Iterable<WrittenFolder>): void {
    for (const { id, path } of folders) this.#unseen.set(id, path);
  }

  /** Those that were expected to be gone and that no listing had. */
  unseenFolders(): WrittenFolder[] {
    return [...this.#unseen].map(([id, path]) => ({ id, path }));
  }

  /** Files that the catalog has and no listing had, in folders that were met and in `folders`. */
  vanishedFiles(folders: readonly WrittenFolder[]): Vanished[] {
    const vanished = [...this.#vanished].filter(([id]) => !this.#renames.back.has(id));
    const met = vanished.map(([id, path]) => ({ id, path }));
    const below = folders.flatMap(folder =>
      this.#catalog.files.inFolder(folder.id).map(file => ({ id: file.id, path: pathIn(folder, file.name) })),
    );
    return [...met, ...below];
  }

  /**
   * Adds the files that waited for the end of the listing, or renames those that they were before: files that `vanished`.
   * Returns the others of these.
   */
  settle(vanished: readonly Vanished[], onRenamed: (renamed: Renamed) => void): Vanished[] {
    const settled = [...this.#remoteRenames.settled(new Set(vanished.map(({ id }) => id)))];
    for (let at = 0; at < settled.length; at += SETTLED_AT_ONCE) {
      const some = settled.slice(at, at + SETTLED_AT_ONCE);
      this.#catalog.write(writer => {
        for (const { place, before } of some) {
          if (before) this.#move(writer, place, before);
          else this.#add(writer, place);
        }
      });
      for (const { place, before } of some) {
        if (before)
          onRenamed({
            from: before.from,
            to: pathIn(place.folder, place.name),
            version: place.attributes.version,
          });
      }
    }
    const renamed = new Set(settled.map(({ before }) => before?.file.id));
    return vanished.filter(({ id }) => !renamed.has(id));
  }

  /** Folders in which nothing differs cost reads alone; the others are written in one transaction. */
  apply(listings: FolderListing[]): void {
    const changed = listings.filter(listing => !this.#isUnchanged(listing));
    if (changed.length === 0) return;
    this.#catalog.write(writer => {
      for (const listing of changed) this.#writeFolder(writer, listing);
    });
  }

  #isUnchanged(listing: FolderListing): boolean {
    const folder = this.#catalog.files.folder(this.#source.id, listing.path);
    if (!folder || folder.deletedAt !== null) return false;
    if (folder.mtimeUs !== listing.mtimeUs || folder.mode !== listing.mode) return false;
    const known = this.#catalog.files.inFolder(folder.id);
    if (known.length !== listing.names.length) return false;
    // SQLite's order is that of the bytes in UTF-8: not the same where characters beyond U+FFFF are involved.
    known.sort((one, other) => (one.name < other.name ? -1 : 1));
    let bytes = 0;
    for (let at = 0; at < known.length; at++) {
      const file = known[at] as KnownFile;
      const attributes = attributesAt(listing, at);
      if (file.name !== listing.names[at] || !isSame(file, attributes)) return false;
      if (this.#exchanged.has(file.id) || this.#vanished.has(file.id)) return false;
      bytes += attributes.size;
    }
    this.#unseen.delete(folder.id);
    this.#counts.folders++;
    this.#counts.bytes += bytes;
    this.#counts.files += known.length;
    this.#counts.unchanged += known.length;
    this.kept += known.length;
    return true;
  }

  #writeFolder(writer: CatalogWriter, listing: FolderListing): void {
    const { id, isNew } = writer.putFolder(this.#source, listing.path, listing.mtimeUs, listing.mode);
    const folder = { id, path: listing.path };
    this.#unseen.delete(id);
    const known = new Map<string, KnownFile>();
    if (!isNew) for (const file of writer.filesIn(folder)) known.set(file.name, file);
    const renamed = renamedInside(known, listing);
    for (const { file } of renamed.values()) known.delete(file.name);
    // Names are given up before others take them.
    for (const [name, { file, attributes }] of renamed) {
      const loser = known.get(name);
      if (loser) this.#lose(writer, folder, loser);
      known.delete(name);
      this.#move(writer, { folder, name, attributes }, { file, from: pathIn(folder, file.name) });
    }
    for (const [at, name] of listing.names.entries()) {
      const place = { folder, name, attributes: attributesAt(listing, at) };
      const file = known.get(name);
      this.#counts.bytes += place.attributes.size;
      if (renamed.has(name)) continue;
      if (file) this.#compare(writer, place, file);
      else this.#appeared(writer, place);
      known.delete(name);
    }
    for (const file of known.values()) this.#vanished.set(file.id, pathIn(folder, file.name));
    this.#counts.folders++;
    this.#counts.files += listing.names.length;
  }

  #compare(writer: CatalogWriter, place: Place, file: KnownFile): void {
    const { folder, attributes } = place;
    // Where the device has another number, after a reboot for example, no file can be recognised by it.
    if (!isSameInode(file, attributes) && file.dev === attributes.dev) {
      const before = this.#renames.find(place);
      if (before) {
        if (before === 'left') this.#keep(file, 'unchanged');
        else this.#moveOver(writer, place, before, file);
        return;
      }
      this.#renames.lose({ file, from: pathIn(folder, file.name), mistakenFor: place });
    }
    this.#keep(file, this.#outcomeOf(file, attributes));
    if (!isSameVersion(file, attributes)) {
      this.#noteTwins(file, attributes);
      writer.modifyFile(this.#source, folder.path, file, attributes);
    } else if (!isSame(file, attributes)) writer.refreshInode(file.id, attributes);
  }

  #keep(file: KnownFile, outcome: 'modified' | 'renamed' | 'unchanged'): void {
    // A folder can be listed more than once.
    this.#vanished.delete(file.id);
    this.kept++;
    this.#counts[outcome]++;
  }

  #noteTwins({ id }: KnownFile, { dev, ino }: FileAttributes): void {
    if (dev === null || ino === null) return;
    const names = this.#catalog.files.withInode(this.#source.id, dev, ino, 'present');
    for (const other of names) if (other.id !== id) this.twins.add(other.folderPath);
  }

  #outcomeOf(file: KnownFile, attributes: FileAttributes): 'modified' | 'renamed' | 'unchanged' {
    if (!isSameVersion(file, attributes)) return 'modified';
    return this.#exchanged.has(file.id) ? 'renamed' : 'unchanged';
  }

  #appeared(writer: CatalogWriter, place: Place): void {
    const before = this.#isFirst ? undefined : this.#renames.find(place);
    if (before === 'left') this.#uncount(place);
    else if (before) this.#move(writer, place, before);
    else if (this.#isFirst || !this.#remoteRenames.hold(place)) this.#add(writer, place);
  }

  /** It has gone back to where it is counted. */
  #uncount({ attributes }: Place): void {
    this.#counts.files--;
    this.#counts.bytes -= attributes.size;
  }

  #add(writer: CatalogWriter, { folder, name, attributes }: Place): void {
    writer.addFile(this.#source, folder, name, attributes);
    this.#counts.added++;
  }

  /** A file that was elsewhere is at a place now where the catalog has another, `loser`. */
  #moveOver(writer: CatalogWriter, place: Place, moved: Moved, loser: KnownFile): void {
    const away = moved.deleted || moved.mistakenFor;
    const exchanged = !away && this.#renames.isAt(moved.from, loser);
    if (!exchanged) this.#lose(writer, place.folder, loser);
    this.#move(writer, place, moved);
    if (exchanged) this.#takeOver(writer, moved.from, place, loser);
  }

  /** A file that was elsewhere is at this place now. */
  #move(writer: CatalogWriter, place: Place, moved: Moved): void {
    if (moved.deleted) this.#counts.deleted--;
    this.#rename(writer, place, moved.file.id, moved.from);
    this.#counts.renamed++;
    if (moved.mistakenFor) this.#replace(writer, moved.file, moved.mistakenFor);
    else this.kept++;
  }

  /** What was taken for `file` at `place` is another one. */
  #replace(writer: CatalogWriter, file: KnownFile, place: Place): void {
    this.#counts[this.#outcomeOf(file, place.attributes)]--;
    this.#add(writer, place);
  }

  #rename(writer: CatalogWriter, { folder, name, attributes }: Place, id: number, from: string): void {
    writer.renameFile(this.#source, folder, name, id, from, attributes);
    this.#vanished.delete(id);
  }

  /** Two files have changed places: `file`, which was at `place`, is at `path` now. It is counted when it is found there. */
  #takeOver(writer: CatalogWriter, path: string, place: Place, file: KnownFile): void {
    const slash = path.lastIndexOf('/');
    const folderPath = path.slice(0, Math.max(slash, 0));
    const folder = this.#catalog.files.folder(this.#source.id, folderPath);
    if (!folder) throw new Error(`the catalog has a file in ${folderPath}, but not the folder`);
    const there = { folder, name: path.slice(slash + 1), attributes: file };
    this.#rename(writer, there, file.id, pathIn(place.folder, file.name));
    this.#exchanged.add(file.id);
  }

  /** Another file has the path of this one. */
  #lose(writer: CatalogWriter, folder: WrittenFolder, file: KnownFile): void {
    writer.deleteFile(file.id);
    this.#counts.deleted++;
    this.#renames.lose({ file, from: pathIn(folder, file.name), deleted: true });
  }
}

/** The same contents under the same permissions, as far as a listing tells. */
function isSameVersion(file: KnownFile, a: FileAttributes): boolean {
  return (
    file.size === a.size &&
    file.mtimeUs === a.mtimeUs &&
    file.mode === a.mode &&
    file.target === a.target &&
    file.version === a.version
  );
}

function isSame(file: KnownFile, a: FileAttributes): boolean {
  return isSameVersion(file, a) && file.ino === a.ino && file.dev === a.dev && file.key === a.key;
}

function pathIn(folder: WrittenFolder, name: string): string {
  return sourcePath({ folderPath: folder.path, name });
}
