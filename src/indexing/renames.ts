/**
 * Recognises files that were renamed or moved inside their source since the last scan: the same device, inode, size and
 * time at another path. A scan meets the paths one after the other, in an order that has nothing to do with who moved
 * where; what it took for a replaced or deleted file is therefore remembered until it ends, and put right when that
 * file turns up at another path.
 */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { entryType, type FileAttributes, type Files, type KnownFile, sourcePath } from '../catalog/files.js';
import type { WrittenFolder } from '../catalog/writer.js';
import { systemErrorCode } from '../errors.js';
import { fsPath } from '../sources/file-names.js';
import { modifiedUs } from '../sources/local.js';
import { attributesAt, type FolderListing } from '../sources/source.js';

/** A path, and what was found there in this scan. */
export interface Place {
  folder: WrittenFolder;
  name: string;
  attributes: FileAttributes;
}

/** A file of the catalog that is not where the catalog has it. */
export interface Moved {
  /** As the catalog has it. */
  file: KnownFile;
  from: string;
  /** Where it was found in this scan under its name, before it turned out to be elsewhere: another file is there. */
  mistakenFor?: Place;
  /** It was deleted in this scan, because another file is under its name. */
  deleted?: boolean;
}

/** Files that are remembered in one scan. Beyond, one that was replaced and turns up elsewhere is a new file. */
const MOST_LOST = 100_000;

/** A file that is at two places with one link whenever one looks is not moved all the time: one folder is mounted twice. */
const MOST_LOOKS = 5;

export class Renames {
  /** Files that were where the catalog has them after they had been listed elsewhere. */
  readonly back = new Set<number>();
  readonly #files: Files;
  readonly #sourceId: number;
  readonly #root: string;
  readonly #follow: boolean;
  readonly #lost = new Map<string, Moved>();

  constructor(files: Files, sourceId: number, root: string, follow: boolean) {
    this.#files = files;
    this.#sourceId = sourceId;
    this.#root = root;
    this.#follow = follow;
  }

  /**
   * The known file that was listed at a place and is no longer where it was, or 'left' when it has gone back there since. A
   * second link to a file that is still there is a new file.
   */
  find({ folder, name, attributes }: Place): Moved | 'left' | undefined {
    const { dev, ino } = attributes;
    if (dev === null || ino === null) return undefined;
    const known = this.#files
      .withInode(this.#sourceId, dev, ino, 'present')
      .filter(file => isSameContents(file, attributes));
    const path = sourcePath({ folderPath: folder.path, name });
    for (let looks = 0; known.length > 0 && looks < MOST_LOOKS; looks++) {
      const file = known.find(each => this.#linksAt(sourcePath(each), attributes) === 0);
      if (file) return { file, from: sourcePath(file) };
      const links = this.#linksAt(path, attributes);
      if (links === 0) return this.#left(known);
      // With no more links than these it is not here as well: it was moved from one place to the other between the looks.
      if (this.#follow || links > known.length) break;
    }
    const lost = this.#reclaim(path, attributes);
    return lost ?? (known.length === 0 ? this.#deletedBefore(dev, ino, attributes) : undefined);
  }

  #left(known: readonly KnownFile[]): 'left' {
    for (const { id } of known) this.back.add(id);
    return 'left';
  }

  /** What was moved out of the source comes back as what it was. */
  #deletedBefore(dev: number, ino: number, attributes: FileAttributes): Moved | undefined {
    const file = this.#files
      .withInode(this.#sourceId, dev, ino, 'deleted')
      .find(each => isSameContents(each, attributes));
    return file && { file, from: sourcePath(file) };
  }

  #reclaim(path: string, attributes: FileAttributes): Moved | undefined {
    const key = keyOf(attributes);
    const lost = this.#lost.get(key);
    if (!lost || !isSameContents(lost.file, attributes)) return undefined;
    if (lost.mistakenFor && isBackupOf(lost.from, path)) return undefined;
    this.#lost.delete(key);
    return this.#isAsLost(lost) ? lost : undefined;
  }

  /** What was taken for it may have been found elsewhere since, or have come back. */
  #isAsLost({ file, from, deleted = false }: Moved): boolean {
    const now = this.#files.get(file.id);
    return now !== undefined && sourcePath(now) === from && (now.deletedAt !== null) === deleted;
  }

  /** Another file is where this one was; if it turns up elsewhere in this scan, it was moved. */
  lose(lost: Moved): void {
    if (this.#lost.size < MOST_LOST) this.#lost.set(keyOf(lost.file), lost);
  }

  /** Is this very file at a path now? */
  isAt(path: string, file: KnownFile): boolean {
    try {
      const stats = this.#stat(path);
      if (stats?.ino !== file.ino || stats?.dev !== file.dev) return false;
      return stats.size === file.size && modifiedUs(stats) === file.mtimeUs;
    } catch {
      return false;
    }
  }

  /** How many links the file has if it is at this path now; 0 if it is not. */
  #linksAt(path: string, { dev, ino }: FileAttributes): number {
    try {
      const stats = this.#stat(path);
      return stats?.ino === ino && stats?.dev === dev ? (stats?.nlink ?? 0) : 0;
    } catch (error) {
      // A file where a folder was. Anything else, a folder that cannot be entered now: nothing says that the file moved.
      return systemErrorCode(error) === 'ENOTDIR' ? 0 : Number.POSITIVE_INFINITY;
    }
  }

  #stat(path: string): Stats | undefined {
    const read = this.#follow ? statSync : lstatSync;
    return read(fsPath(join(this.#root, path)), { throwIfNoEntry: false });
  }
}

/** A file of one folder that has another name in it now, and its attributes under that. */
export interface RenamedInside {
  file: KnownFile;
  attributes: FileAttributes;
}

/** The files of one folder that have another name in it now, by their new names. */
export function renamedInside(
  known: ReadonlyMap<string, KnownFile>,
  listing: FolderListing,
): Map<string, RenamedInside> {
  const renamed = new Map<string, RenamedInside>();
  const strays = straysOf(known, listing);
  if (strays.size === 0) return renamed;
  for (const [at, name] of listing.names.entries()) {
    const attributes = attributesAt(listing, at);
    const candidates = strays.get(keyOf(attributes)) ?? [];
    const file = candidates.find(stray => isSameContents(stray, attributes));
    if (file && isBackupOf(file.name, name) && listing.names.includes(file.name)) continue;
    if (!file || isSameInode(known.get(name), attributes)) continue;
    renamed.set(name, { file, attributes });
    candidates.splice(candidates.indexOf(file), 1);
  }
  return renamed;
}

/** Known files that their names do not lead to any more, by device and inode. */
function straysOf(known: ReadonlyMap<string, KnownFile>, listing: FolderListing): Map<string, KnownFile[]> {
  const away = new Set(known.values());
  for (const [at, name] of listing.names.entries()) {
    const file = known.get(name);
    if (file && isSameInode(file, attributesAt(listing, at))) away.delete(file);
  }
  const strays = new Map<string, KnownFile[]>();
  for (const file of away) {
    if (file.ino !== null) strays.set(keyOf(file), [...(strays.get(keyOf(file)) ?? []), file]);
  }
  return strays;
}

export function isSameInode(file: KnownFile | undefined, { dev, ino }: FileAttributes): boolean {
  return file !== undefined && file.ino === ino && file.dev === dev;
}

/**
 * Editors that keep what a file was before rename it and write another under its name: the file is the one that has the
 * name. Emacs, Vim and sed append these.
 */
function isBackupOf(path: string, backup: string): boolean {
  return backup.startsWith(path) && /^(~|\.bak|\.orig|\.~\d+~)$/.test(backup.slice(path.length));
}

/** Permissions say nothing: a file can be given others on its way. */
function isSameContents(file: KnownFile, { size, mtimeUs, target, mode }: FileAttributes): boolean {
  if (file.size !== size || file.mtimeUs !== mtimeUs) return false;
  return file.target === target && entryType(file.mode) === entryType(mode);
}

function keyOf({ dev, ino }: { dev: number | null; ino: number | null }): string {
  return `${dev}:${ino}`;
}
