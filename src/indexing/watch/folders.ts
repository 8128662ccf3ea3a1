/**
 * The folders of a source that are watched: which watch belongs to which paths. Kept as a tree, so that a folder with all
 * below it is forgotten in one go. A folder can have several paths, through links that are followed, and for a moment
 * when it was moved and only one of its two places has been listed; it has one watch all the same.
 */
import { systemErrorCode } from '../../errors.js';
import type { FileIdentity } from '../../sources/crawl.js';
import type { Inotify } from './inotify.js';

interface Node extends FileIdentity {
  readonly name: string;
  readonly above: Node | undefined;
  below: Map<string, Node> | undefined;
  /** -1 without a watch. */
  wd: number;
}

/** The number of a watch → its folder, or all that it has. */
type Watches = Map<number, Node | Set<Node>>;

export class WatchedFolders {
  /** Folders that have no watch because the user has too many. */
  unwatched = 0;
  readonly #inotify: Inotify;
  readonly #root: string;
  readonly #follow: boolean;
  readonly #watches: Watches = new Map();
  #top: Node | undefined;

  constructor(inotify: Inotify, root: string, follow: boolean) {
    this.#inotify = inotify;
    this.#root = root;
    this.#follow = follow;
  }

  isKnown(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /** Is the folder at this path this one, and are its changes told? */
  has(path: string, { dev, ino }: FileIdentity): boolean {
    const node = this.#find(path);
    return node !== undefined && node.dev === dev && node.ino === ino;
  }

  /** Tells of the changes of a folder from now on. What was known at its path is forgotten, with all below. */
  add(path: string, folder: FileIdentity): void {
    this.forget(path);
    const slash = path.lastIndexOf('/');
    const above = path === '' ? undefined : this.#find(path.slice(0, Math.max(slash, 0)));
    // Its parent was exchanged a moment ago, and will be listed again.
    if (path !== '' && !above) return;
    const wd = this.#watch(path);
    if (wd === undefined) return;
    const node: Node = {
      name: path.slice(slash + 1),
      above,
      below: undefined,
      wd,
      dev: folder.dev,
      ino: folder.ino,
    };
    if (above) {
      above.below ??= new Map();
      above.below.set(node.name, node);
    } else this.#top = node;
    if (wd >= 0) this.#enlist(node);
  }

  /** Undefined for a folder that is gone, or closed to us: whoever opens it will tell. */
  #watch(path: string): number | undefined {
    try {
      return this.#inotify.watch(path === '' ? this.#root : this.#absolute(path), this.#follow);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOSPC') return undefined;
      this.unwatched++;
      return -1;
    }
  }

  #absolute(path: string): string {
    return this.#root === '/' ? `/${path}` : `${this.#root}/${path}`;
  }

  #enlist(node: Node): void {
    const others = this.#watches.get(node.wd);
    if (others === undefined) this.#watches.set(node.wd, node);
    else if (others instanceof Set) others.add(node);
    else this.#watches.set(node.wd, new Set([others, node]));
  }

  forget(path: string): void {
    const node = this.#find(path);
    if (node) this.#remove(node);
  }

  /** The names of the folders in one, as they were when it was last listed. */
  below(path: string): string[] {
    return [...(this.#find(path)?.below?.keys() ?? [])];
  }

  /** The paths that a watch is about. */
  pathsOf(wd: number): string[] {
    return this.#nodesOf(wd).map(pathOf);
  }

  /** The kernel has ended a watch: its folder is gone. */
  ended(wd: number): void {
    for (const node of this.#nodesOf(wd)) this.#remove(node);
  }

  #nodesOf(wd: number): Node[] {
    const nodes = this.#watches.get(wd);
    if (nodes === undefined) return [];
    return nodes instanceof Set ? [...nodes] : [nodes];
  }

  #remove(node: Node): void {
    if (node.above) node.above.below?.delete(node.name);
    else this.#top = undefined;
    const pending = [node];
    for (let each = pending.pop(); each; each = pending.pop()) {
      this.#delist(each);
      if (each.below) pending.push(...each.below.values());
    }
  }

  #delist(node: Node): void {
    if (node.wd < 0) this.unwatched--;
    const nodes = this.#watches.get(node.wd);
    if (nodes instanceof Set && nodes.size > 1) {
      nodes.delete(node);
    } else if (nodes !== undefined) {
      this.#watches.delete(node.wd);
      this.#inotify.unwatch(node.wd);
    }
  }

  #find(path: string): Node | undefined {
    let node = this.#top;
    if (path === '') return node;
    for (const name of path.split('/')) node = node?.below?.get(name);
    return node;
  }
}

function pathOf(node: Node): string {
  let path = node.name;
  for (let above = node.above; above?.above; above = above.above) path = `${above.name}/${path}`;
  return path;
}
