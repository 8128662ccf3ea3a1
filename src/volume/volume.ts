/**
 * The tree with its contents: what mount, fetch and, later, serve stand on. Reads only, on a connection of its own thread;
 * changes go through the catalog.
 */
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { openDatabase } from '../catalog/database.js';
import { type FileLocation, type FileRecord, Files, sourcePath } from '../catalog/files.js';
import { Sources } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { type OpenedFile, openContained } from '../sources/contained.js';
import { disksIn, isInside } from '../sources/facet-mounts.js';
import { contentsRoot, openRoot } from '../sources/local.js';
import { isRemote } from '../sources/open-remote.js';
import { Tree } from '../tree/tree.js';

/** Where a source's files are on this machine. */
interface LocalSource {
  root: string;
  follow: boolean;
}

export class Volume {
  readonly db: Database;
  readonly tree: Tree;
  readonly files: Files;
  readonly sources: Sources;
  readonly #avoid: string | undefined;
  readonly #local = new Map<number, LocalSource>();
  /** The number of a source is never another's. */
  readonly #remote = new Map<number, boolean>();

  /**
   * Opens the catalog in `catalogFile` for reading. Below `avoid`, its own mountpoint, the volume opens nothing: it would
   * wait for itself. Throws as `openDatabase` does.
   */
  constructor(catalogFile: string, avoid?: string) {
    this.#avoid = avoid;
    this.db = openDatabase(catalogFile, 'read');
    this.tree = new Tree(this.db);
    this.files = new Files(this.db);
    this.sources = new Sources(this.db);
  }

  /** Has the time come to place some file elsewhere, because of its age? `Catalog.revisit` does. */
  isOverdue(): boolean {
    return this.db.prepare('SELECT 1 FROM due WHERE at <= ? LIMIT 1').get(Date.now()) !== undefined;
  }

  /** The record of a file in the tree; `not-found` when there is none. */
  file(id: number): FileRecord {
    const record = this.files.get(id);
    if (!record || record.deletedAt !== null) {
      throw new FacetError('not-found', `there is no file ${id}`, {
        hint: 'list what there is: facet index ls /',
      });
    }
    return record;
  }

  /** Where a file of the tree is; `not-found` when there is none. */
  locate(id: number): FileLocation {
    const location = this.files.locate(id);
    if (!location) throw new FacetError('not-found', `there is no file ${id}`);
    return location;
  }

  /**
   * Opens a file's contents for reading. What `stats` says is what the descriptor has: it is for the caller to see
   * whether that is still the version which `file` describes. The descriptor is the caller's to close.
   * Throws `not-found`, `denied`, `content-changed` or `unreachable`.
   */
  open(file: FileLocation): OpenedFile {
    const local = this.#localSource(file.sourceId);
    try {
      return this.#openIn(local, file);
    } catch (error) {
      // The root may be gone, and then the file is not, or somewhere else by now (a link was changed, a disk mounted).
      this.#local.delete(file.sourceId);
      const now = this.#localSource(file.sourceId);
      if (now.root !== local.root) return this.#openIn(now, file);
      this.#refuseUnmounted(file, now.root);
      throw error;
    }
  }

  /** What was on a disk that is not mounted now is not gone. Throws `unreachable`. */
  #refuseUnmounted(file: FileLocation, root: string): void {
    const path = sourcePath(file);
    const on = this.sources
      .withId(file.sourceId)
      ?.state.disks?.find(disk => disk === '' || isInside(path, disk));
    if (on === undefined || disksIn(root).includes(on)) return;
    throw new FacetError('unreachable', `${path} is on a disk that is not mounted`, {
      path,
      hint: `mount the disk on ${join(root, on)}`,
    });
  }

  #openIn({ root, follow }: LocalSource, file: FileLocation): OpenedFile {
    return openContained(root, sourcePath(file), follow, this.#avoid);
  }

  /** Is the source reached over a network? `open` is for the others. */
  isRemote(sourceId: number): boolean {
    const known = this.#remote.get(sourceId);
    if (known !== undefined) return known;
    const source = this.sources.withId(sourceId);
    if (!source) return false;
    const remote = isRemote(this.sources.holderOf(source).uri);
    this.#remote.set(sourceId, remote);
    return remote;
  }

  #localSource(id: number): LocalSource {
    const known = this.#local.get(id);
    if (known) return known;
    const source = this.sources.withId(id);
    if (!source) throw new FacetError('not-found', 'the source was removed');
    const holder = this.sources.holderOf(source);
    const local = { root: openRoot(contentsRoot(holder)), follow: holder.options.follow };
    this.#local.set(id, local);
    return local;
  }

  close(): void {
    this.db.close();
  }
}
