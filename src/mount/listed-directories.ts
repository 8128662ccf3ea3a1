/**
 * Directories that are being listed through the mount. A place in a listing is the inode of the entry before it: it means
 * the same to every reader, whoever comes or goes, and also to a kernel that kept the beginning of a listing and asks for
 * the rest. Entries are read anew for each request, so that none is told of later than it was true. Nothing here has to be
 * opened or closed: what is remembered only saves a search.
 */
import type { Name, NamedNode } from '../tree/tree.js';
import type { Volume } from '../volume/volume.js';

/** The places of ".", ".." and the first entry; inodes of entries are larger. */
export const START = 0;
export const BEHIND_SELF = 1;
export const BEHIND_PARENT = 2;

/** Places that are remembered with the names before them, the latest ones: one a reader is enough. */
const MOST = 1_000;

export class ListedDirectories {
  readonly #volume: Volume;
  /** Directory and place → name of the entry before that place. */
  readonly #names = new Map<string, string>();

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** Up to `limit` entries of a directory behind a place. */
  entriesBehind(ino: number, place: number, limit: number): NamedNode[] {
    return this.#volume.tree.list(ino, this.#nameBefore(ino, place), limit);
  }

  /** The same without their attributes, which cost more than everything else. */
  namesBehind(ino: number, place: number, limit: number): Name[] {
    return this.#volume.tree.names(ino, this.#nameBefore(ino, place), limit);
  }

  /** A reader took the entries up to this one, and will go on behind it. */
  take(directory: number, { ino, name }: Name): void {
    const key = `${directory}/${ino}`;
    this.#names.delete(key);
    this.#names.set(key, name);
    const [oldest] = this.#names.size > MOST ? this.#names.keys() : [];
    if (oldest !== undefined) this.#names.delete(oldest);
  }

  #nameBefore(directory: number, place: number): string {
    return this.#names.get(`${directory}/${place}`) ?? this.#nameAt(directory, place);
  }

  /** The name that an entry of the directory has, or had: a file that was deleted keeps its record for a while. */
  #nameAt(directory: number, place: number): string {
    if (place === BEHIND_PARENT) return '';
    const { tree, files } = this.#volume;
    const names = tree.pathsOf(place).map(path => path.slice(path.lastIndexOf('/') + 1));
    return names.find(name => tree.lookup(directory, name)?.ino === place) ?? files.get(place)?.name ?? '';
  }
}
