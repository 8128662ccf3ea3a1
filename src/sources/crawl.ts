/**
 * Lists a local folder and everything below it, synchronously and folder by folder: it runs in a thread of its own
 * (`indexing/crawl-thread.ts`), where two blocking calls a file are several times faster than promises.
 *
 * Symbolic links are listed as links; with `follow` they are listed as what they lead to, unless that is outside the root
 * or a folder above the link.
 */
import {
  constants,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { systemErrorCode } from '../errors.js';
import { facetMounts, isInside } from './facet-mounts.js';
import { decodeName, fsPath, isEscaped, needsBytes } from './file-names.js';
import { compileFilter, type Filter, IGNORE_FILE, type IgnoreScope, openScope } from './filter.js';
import { FolderStats, type NameStats, nameStats } from './name-stats.js';
import { type FolderListing, nothingSkipped, type Unreadable } from './source.js';

export interface CrawlOptions {
  /** The real path of the source's root. */
  root: string;
  include: readonly string[];
  exclude: readonly string[];
  follow: boolean;
}

interface PendingFolder {
  path: string;
  stats: NameStats;
  scope: IgnoreScope | undefined;
  /** The folders above, to recognise a link that leads back: only with `follow`. */
  above: PendingFolder | undefined;
}

type Kind = 'file' | 'folder' | 'link' | 'special';

interface Found {
  path: string;
  stats: NameStats;
  kind: Kind;
}

/** What recognises a folder, whatever its path. */
export type FileIdentity = Pick<NameStats, 'ino' | 'dev'>;

/** Asked of each folder that is found in another, before anything in it is read: is it to be listed too? */
export type Enters = (path: string, folder: FileIdentity) => boolean;

export class Crawler {
  readonly skipped = nothingSkipped();
  readonly unreadable: Unreadable[] = [];
  /** Folders with links in them: only with `follow`. */
  readonly linked = new Set<string>();
  readonly #root: string;
  readonly #follow: boolean;
  readonly #filter: Filter;
  readonly #mounts: Set<string>;
  readonly #enters: Enters;

  constructor(options: CrawlOptions, enters: Enters = () => true) {
    this.#root = options.root;
    this.#follow = options.follow;
    this.#filter = compileFilter(options.include, options.exclude);
    this.#mounts = new Set(facetMounts());
    this.#enters = enters;
  }

  /**
   * Every folder, those above before those below. Throws the system's error when the root itself cannot be listed, and an
   * error when it was exchanged meanwhile, by an unmounted disk for example: what was not found then is not gone.
   */
  *folders(): Generator<FolderListing> {
    const root = this.#rootFolder();
    readdirSync(this.#root);
    if (this.#enters('', root.stats)) yield* this.#walk(root);
    if (!isSameFile(statSync(this.#root), root.stats))
      throw new Error('it was exchanged while it was listed');
  }

  /** The folder at a path, and those below it. None where there is no such folder, or one that is left out. */
  *below(path: string): Generator<FolderListing> {
    const folder = this.#find(path);
    if (folder) yield* this.#walk(folder);
  }

  *#walk(top: PendingFolder): Generator<FolderListing> {
    const pending = [top];
    for (let folder = pending.pop(); folder; folder = pending.pop()) {
      const listing = this.#list(folder, pending);
      if (listing) yield listing;
    }
  }

  #rootFolder(): PendingFolder {
    return { path: '', stats: nameStats(statSync(this.#root)), scope: undefined, above: undefined };
  }

  #find(path: string): PendingFolder | undefined {
    let folder: PendingFolder | undefined = this.#rootFolder();
    for (const name of path === '' ? [] : path.split('/')) folder = folder && this.#step(folder, name);
    return folder;
  }

  #step(folder: PendingFolder, name: string): PendingFolder | undefined {
    const folderStats = this.#openStats(folder.path);
    if (!folderStats) return undefined;
    try {
      const scope = this.#scopeOf(folder, [IGNORE_FILE]);
      const found = this.#look(folder, name, scope, folderStats);
      return found?.kind === 'folder' ? this.#pending(folder, found, scope) : undefined;
    } finally {
      folderStats.close();
    }
  }

  #pending(above: PendingFolder, { path, stats }: Found, scope: IgnoreScope | undefined): PendingFolder {
    return { path, stats, scope, above: this.#follow ? above : undefined };
  }

  #list(folder: PendingFolder, pending: PendingFolder[]): FolderListing | undefined {
    const names = this.#readNames(folder.path);
    if (!names || this.#wasExchanged(folder)) return undefined;
    const stats = this.#openStats(folder.path);
    if (!stats) return undefined;
    try {
      return this.#listNames(folder, names, stats, pending);
    } finally {
      stats.close();
    }
  }

  #openStats(path: string): FolderStats | undefined {
    try {
      return new FolderStats(this.#prefix(path));
    } catch (error) {
      return this.#report(path, error);
    }
  }

  #listNames(
    folder: PendingFolder,
    names: string[],
    folderStats: FolderStats,
    pending: PendingFolder[],
  ): FolderListing {
    const scope = this.#scopeOf(folder, names);
    const kept: string[] = [];
    const numbers: number[] = [];
    const targets = new Map<number, string>();
    const below: PendingFolder[] = [];
    for (const name of names) {
      const found = this.#look(folder, name, scope, folderStats);
      if (!found) continue;
      const { path, stats, kind } = found;
      if (kind === 'folder') {
        if (this.#enters(path, stats)) below.push(this.#pending(folder, found, scope));
        continue;
      }
      if (kind === 'link') {
        const target = this.#readLink(path);
        if (target === undefined) continue;
        targets.set(kept.length, target);
      }
      kept.push(name);
      numbers.push(stats.size, stats.mtimeUs, stats.mode, stats.dev, stats.ino);
    }
    // The last one pushed is crawled first: names come out in order, and the stack stays as deep as the tree.
    for (let at = below.length - 1; at >= 0; at--) pending.push(below[at] as PendingFolder);
    return {
      path: folder.path,
      mtimeUs: folder.stats.mtimeUs,
      mode: folder.stats.mode,
      names: kept,
      attributes: new Float64Array(numbers),
      targets,
    };
  }

  /** What is listed under a name of a folder. */
  #look(
    folder: PendingFolder,
    name: string,
    scope: IgnoreScope | undefined,
    folderStats: FolderStats,
  ): Found | undefined {
    const path = folder.path === '' ? name : `${folder.path}/${name}`;
    if (this.#mounts.size > 0 && this.#mounts.has(this.#absolute(path))) return undefined;
    let stats = this.#stat(path, name, folderStats);
    if (!stats) return undefined;
    if (this.#follow && kindOf(stats.mode) === 'link') {
      this.linked.add(folder.path);
      stats = this.#followed(path, stats, folder);
    }
    const kind = kindOf(stats.mode);
    return this.#isListed(path, kind, scope) ? { path, stats, kind } : undefined;
  }

  #absolute(path: string): string {
    return path === '' ? this.#root : this.#root === '/' ? `/${path}` : `${this.#root}/${path}`;
  }

  /** Of the names in a folder: its absolute path with a slash at its end. */
  #prefix(path: string): string {
    return this.#root === '/' && path === '' ? '/' : `${this.#absolute(path)}/`;
  }

  #readNames(path: string): string[] | undefined {
    const folder = fsPath(this.#absolute(path));
    try {
      let names = readdirSync(folder);
      if (names.some(needsBytes)) {
        names = readdirSync(folder, { encoding: 'buffer' }).map(decodeName);
        this.skipped.notUtf8 += names.filter(isEscaped).length;
      }
      return names.sort();
    } catch (error) {
      return this.#report(path, error);
    }
  }

  /** Is there another folder by now, or a link that may lead anywhere? Then the names are not those of this one. */
  #wasExchanged({ path, stats }: PendingFolder): boolean {
    const now = this.#follow ? statSync : lstatSync;
    try {
      const found = now(fsPath(this.#absolute(path)), { throwIfNoEntry: false });
      if (!found) return true;
      if (found.isDirectory() && isSameFile(found, stats)) return false;
      this.unreadable.push({ path, reason: 'ESTALE' });
    } catch (error) {
      this.#report(path, error);
    }
    return true;
  }

  #stat(path: string, name: string, folder: FolderStats): NameStats | undefined {
    try {
      return folder.stat(name);
    } catch (error) {
      return this.#report(path, error);
    }
  }

  /** What a link leads to, or the link itself where it is not to be followed. */
  #followed(path: string, link: NameStats, folder: PendingFolder): NameStats {
    try {
      const absolute = fsPath(this.#absolute(path));
      const real = decodeName(realpathSync.native(absolute, 'buffer'));
      if (isInside(real, this.#root) && !this.#isMounted(real)) {
        const stats = statSync(absolute);
        if (!stats.isDirectory() || !isAbove(folder, stats)) return nameStats(stats);
      }
    } catch {
      // Dangling, a loop of links, or behind a folder that is closed to us: it stays a link.
    }
    this.skipped.linksNotFollowed++;
    return link;
  }

  #isMounted(real: string): boolean {
    for (const mount of this.#mounts) if (isInside(real, mount)) return true;
    return false;
  }

  #readLink(path: string): string | undefined {
    try {
      return decodeName(readlinkSync(fsPath(this.#absolute(path)), 'buffer'));
    } catch (error) {
      return this.#report(path, error);
    }
  }

  #isListed(path: string, kind: Kind, scope: IgnoreScope | undefined): boolean {
    if (kind === 'special') {
      this.skipped.special++;
      return false;
    }
    const listed = kind === 'folder' ? this.#filter.folder(path, scope) : this.#filter.file(path, scope);
    if (!listed) this.skipped.excluded++;
    return listed;
  }

  #scopeOf(folder: PendingFolder, names: string[]): IgnoreScope | undefined {
    if (!names.includes(IGNORE_FILE)) return folder.scope;
    const path = folder.path === '' ? IGNORE_FILE : `${folder.path}/${IGNORE_FILE}`;
    // Reading a FIFO of that name would wait for ever.
    try {
      if (!lstatSync(fsPath(this.#absolute(path))).isFile()) return folder.scope;
      return openScope(folder.path, readFileSync(fsPath(this.#absolute(path)), 'utf8'), folder.scope);
    } catch (error) {
      this.#report(path, error);
      return folder.scope;
    }
  }

  /** What vanished since it was listed is simply gone; anything else is reported. */
  #report(path: string, error: unknown): undefined {
    const code = systemErrorCode(error);
    if (code !== 'ENOENT') this.unreadable.push({ path, reason: code ?? String(error) });
    return undefined;
  }
}

function kindOf(mode: number): Kind {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFDIR:
      return 'folder';
    case constants.S_IFLNK:
      return 'link';
    default:
      return 'special';
  }
}

function isAbove(folder: PendingFolder, stats: FileIdentity): boolean {
  for (let each: PendingFolder | undefined = folder; each; each = each.above) {
    if (isSameFile(each.stats, stats)) return true;
  }
  return false;
}

export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}
