/**
 * Brings the catalog up to date with a source: crawls it, compares each folder with what is known, and writes only what
 * differs. What cannot be listed is never taken for deleted, and a file that was renamed keeps its id.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.js';
import { type FileAttributes, type KnownFile, sourcePath } from '../catalog/files.js';
import { takeLock } from '../catalog/lock.js';
import type { SourceRecord } from '../catalog/sources.js';
import type { CatalogWriter, WrittenFolder } from '../catalog/writer.js';
import { errorMessage, FacetError } from '../errors.js';
import { isInside } from '../sources/facet-mounts.js';
import { fsPath } from '../sources/file-names.js';
import { openRoot } from '../sources/local.js';
import { attributesAt, type FolderListing, type Skipped, type Unreadable } from '../sources/source.js';
import { type CrawlSummary, crawl } from './crawl.js';
import { hashFiles } from './hash.js';

export interface ScanOptions {
  /** Globs excluded in every source, besides the source's own. */
  exclude?: readonly string[];
  /** Compute the SHA-256 of files: of those that have none yet, or of all, to find contents that changed unnoticed. */
  hash?: 'missing' | 'all';
  /** Delete even when most of the source is gone. */
  allowShrink?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: ScanProgress) => void;
}

export interface ScanProgress {
  phase: 'listing' | 'hashing';
  files: number;
  folders: number;
  /** Checksums computed. */
  hashed: number;
}

export interface ScanResult {
  source: string;
  files: number;
  folders: number;
  bytes: number;
  added: number;
  modified: number;
  renamed: number;
  deleted: number;
  unchanged: number;
  hashed: number;
  skipped: Skipped;
  /** What could not be listed or read; what the catalog knew of it is kept. */
  unreadable: Unreadable[];
  seconds: number;
}

/** A source of no more files than this may lose any number of them at once. */
const SHRINK_GUARD_FROM = 100;

/** Files deleted in one transaction. */
const DELETE_BATCH = 4_000;

/**
 * Scans one source. Throws `unreachable` (and notes it in the source's state) when it cannot be listed, `in-use` when
 * another process is scanning it, `failed` when most of its files seem to be gone.
 */
export async function scan(
  catalog: Catalog,
  source: SourceRecord,
  options: ScanOptions = {},
): Promise<ScanResult> {
  const lock = takeLock(
    `${catalog.file}.scan-${source.id}.lock`,
    `another process is scanning ${source.name}`,
    'wait for it to finish',
  );
  try {
    return await new Scan(catalog, source, openRoot(source.uri), options).run();
  } catch (error) {
    if (error instanceof FacetError && error.code === 'unreachable') {
      catalog.sources.setState(source.id, { ...source.state, unavailable: errorMessage(error) });
    }
    throw error;
  } finally {
    lock.release();
  }
}

interface Vanished {
  id: number;
  path: string;
}

class Scan {
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  readonly #root: string;
  readonly #options: ScanOptions;
  readonly #startedAt = performance.now();
  /** Folders that the catalog has and the crawl has not met yet. */
  readonly #unseen = new Map<number, string>();
  readonly #vanished: Vanished[] = [];
  readonly #renamed = new Set<number>();
  /** Nothing is known of the source yet, so nothing can have been renamed. */
  #isFirst = true;
  /** Files that were known before and are still there. */
  #kept = 0;
  readonly #result: ScanResult;

  constructor(catalog: Catalog, source: SourceRecord, root: string, options: ScanOptions) {
    this.#catalog = catalog;
    this.#source = source;
    this.#root = root;
    this.#options = options;
    this.#result = {
      source: source.name,
      files: 0,
      folders: 0,
      bytes: 0,
      added: 0,
      modified: 0,
      renamed: 0,
      deleted: 0,
      unchanged: 0,
      hashed: 0,
      skipped: { special: 0, excluded: 0, linksNotFollowed: 0, notUtf8: 0 },
      unreadable: [],
      seconds: 0,
    };
  }

  async run(): Promise<ScanResult> {
    for (const { id, path } of this.#catalog.files.foldersOf(this.#source.id)) this.#unseen.set(id, path);
    this.#isFirst = this.#unseen.size === 0;
    const summary = await this.#crawl();
    this.#result.skipped = summary.skipped;
    this.#result.unreadable = summary.unreadable;
    this.#deleteVanished(summary.unreadable);
    if (this.#options.hash) await this.#hash(this.#options.hash === 'all');
    this.#catalog.sources.setState(this.#source.id, { lastScan: new Date().toISOString() });
    this.#catalog.prune();
    this.#result.seconds = (performance.now() - this.#startedAt) / 1000;
    return this.#result;
  }

  async #crawl(): Promise<CrawlSummary> {
    const { include, exclude, follow } = this.#source.options;
    const all = [...exclude, ...(this.#options.exclude ?? [])];
    const batches = crawl({ root: this.#root, include, exclude: all, follow }, this.#options.signal);
    try {
      for (;;) {
        const { done, value } = await batches.next();
        if (done) return value;
        this.#apply(value);
        this.#report('listing');
      }
    } finally {
      await batches.return({ skipped: this.#result.skipped, unreadable: [] });
    }
  }

  #report(phase: ScanProgress['phase'], hashed = 0): void {
    const { files, folders } = this.#result;
    this.#options.onProgress?.({ phase, files, folders, hashed });
  }

  /** Folders in which nothing differs cost reads alone; the others are written in one transaction. */
  #apply(listings: FolderListing[]): void {
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
    let bytes = 0;
    for (let at = 0; at < known.length; at++) {
      const file = known[at] as KnownFile;
      const attributes = attributesAt(listing, at);
      if (file.name !== listing.names[at] || !isSame(file, attributes)) return false;
      bytes += attributes.size;
    }
    this.#unseen.delete(folder.id);
    this.#result.folders++;
    this.#result.bytes += bytes;
    this.#result.files += known.length;
    this.#result.unchanged += known.length;
    this.#kept += known.length;
    return true;
  }

  #writeFolder(writer: CatalogWriter, listing: FolderListing): void {
    const { id, isNew } = writer.putFolder(this.#source, listing.path, listing.mtimeUs, listing.mode);
    const folder = { id, path: listing.path };
    this.#unseen.delete(id);
    const known = new Map<string, KnownFile>();
    if (!isNew) for (const file of this.#catalog.files.inFolder(id)) known.set(file.name, file);
    for (const [at, name] of listing.names.entries()) {
      const attributes = attributesAt(listing, at);
      const file = known.get(name);
      known.delete(name);
      if (file) this.#compare(writer, folder, file, attributes);
      else this.#appeared(writer, folder, name, attributes);
      this.#result.bytes += attributes.size;
    }
    for (const file of known.values()) this.#vanished.push({ id: file.id, path: pathIn(folder, file.name) });
    this.#result.folders++;
    this.#result.files += listing.names.length;
  }

  #compare(writer: CatalogWriter, folder: WrittenFolder, file: KnownFile, attributes: FileAttributes): void {
    this.#kept++;
    if (isSameVersion(file, attributes)) {
      if (!isSame(file, attributes)) writer.refreshInode(file.id, attributes);
      this.#result.unchanged++;
      return;
    }
    writer.modifyFile(this.#source, folder.path, file, attributes);
    this.#result.modified++;
  }

  #appeared(writer: CatalogWriter, folder: WrittenFolder, name: string, attributes: FileAttributes): void {
    const before = this.#renamedFrom(attributes);
    if (before) {
      writer.renameFile(this.#source, folder, name, before.id, sourcePath(before), attributes);
      this.#renamed.add(before.id);
      this.#result.renamed++;
      this.#kept++;
      return;
    }
    writer.addFile(this.#source, folder, name, attributes);
    this.#result.added++;
  }

  /** The known file that is here now, and no longer where it was. A second link to a file that is still there is a new file. */
  #renamedFrom(attributes: FileAttributes): (KnownFile & { folderPath: string }) | undefined {
    if (this.#isFirst || attributes.dev === null || attributes.ino === null) return undefined;
    return this.#catalog.files
      .withInode(this.#source.id, attributes.dev, attributes.ino)
      .find(file => isSameVersion(file, attributes) && !this.#isStillAt(sourcePath(file), attributes));
  }

  #isStillAt(path: string, attributes: FileAttributes): boolean {
    try {
      const stats = lstatSync(fsPath(join(this.#root, path)), { throwIfNoEntry: false });
      return stats !== undefined && stats.ino === attributes.ino && stats.dev === attributes.dev;
    } catch {
      // A folder that cannot be entered now: nothing says that the file moved.
      return true;
    }
  }

  #deleteVanished(unreadable: Unreadable[]): void {
    const gone = (path: string) => !unreadable.some(each => each.path === '' || isInside(path, each.path));
    const folders = [...this.#unseen].filter(([, path]) => gone(path)).map(([id, path]) => ({ id, path }));
    for (const folder of folders) {
      for (const file of this.#catalog.files.inFolder(folder.id)) {
        this.#vanished.push({ id: file.id, path: pathIn(folder, file.name) });
      }
    }
    const files = this.#vanished.filter(file => !this.#renamed.has(file.id) && gone(file.path));
    this.#refuseToShrink(files.length);
    for (let at = 0; at < files.length; at += DELETE_BATCH) {
      this.#catalog.write(writer => {
        for (const file of files.slice(at, at + DELETE_BATCH)) writer.deleteFile(file.id);
      });
    }
    if (folders.length > 0) {
      this.#catalog.write(writer => {
        for (const folder of folders) writer.removeFolder(this.#source, folder);
      });
    }
    this.#result.deleted = files.length;
  }

  /** An unplugged disk leaves an empty folder behind, a broken script half of one: neither is a reason to forget files. */
  #refuseToShrink(deletions: number): void {
    if (this.#options.allowShrink || deletions === 0) return;
    const total = this.#kept + deletions;
    const most = total > SHRINK_GUARD_FROM && deletions > total / 2;
    if (!most && this.#result.files > 0) return;
    const { name } = this.#source;
    throw new FacetError(
      'failed',
      `${deletions} of the ${total} files of ${name} are gone; nothing was deleted`,
      {
        path: this.#root,
        hint: `is the disk mounted? If they are meant to be gone: facet index scan ${name} --allow-shrink`,
      },
    );
  }

  async #hash(all: boolean): Promise<void> {
    const { hashed, modified, unreadable } = await hashFiles(this.#catalog, this.#source, this.#root, {
      all,
      signal: this.#options.signal,
      onProgress: done => this.#report('hashing', done),
    });
    this.#result.hashed = hashed;
    this.#result.modified += modified;
    this.#result.unreadable.push(...unreadable);
  }
}

/** The same contents under the same permissions, as far as a listing tells. */
function isSameVersion(file: KnownFile, a: FileAttributes): boolean {
  return (
    file.size === a.size && file.mtimeUs === a.mtimeUs && file.mode === a.mode && file.target === a.target
  );
}

function isSame(file: KnownFile, a: FileAttributes): boolean {
  return isSameVersion(file, a) && file.ino === a.ino && file.dev === a.dev;
}

function pathIn(folder: WrittenFolder, name: string): string {
  return sourcePath({ folderPath: folder.path, name });
}
