/**
 * Directories that are being listed through the mount. A place in a listing is the inode of the entry before it: it means
 * the same to every reader, whoever comes or goes, and also to a kernel that kept the beginning of a listing and asks for
 * the rest. Entries are read anew for each request, so that none is told of later than it was true.
 */
import type { NamedNode } from '../tree/tree.js';
import type { Volume } from '../volume/volume.js';

/** The places of ".", ".." and the first entry; inodes of entries are larger. */
export const START = 0;
export const BEHIND_SELF = 1;
export const BEHIND_PARENT = 2;

interface OpenDirectory {
  ino: number;
  /** Where its reader is, so that reading on needs no search. */
  place: number;
  /** The name of the entry before that place. */
  after: string;
}

export class OpenDirectories {
  readonly #volume: Volume;
  readonly #open = new Map<number, OpenDirectory>();
  #lastHandle = 0;

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  open(ino: number): number {
    this.#open.set(++this.#lastHandle, { ino, place: BEHIND_PARENT, after: '' });
    return this.#lastHandle;
  }

  release(handle: number): void {
    this.#open.delete(handle);
  }

  /** Up to `limit` entries behind a place. */
  entriesBehind(handle: number, place: number, limit: number): NamedNode[] {
    const directory = this.#get(handle);
    const after = place === directory.place ? directory.after : this.#nameAt(directory.ino, place);
    return this.#volume.tree.list(directory.ino, after, limit);
  }

  /** The reader took an entry, and will go on behind it. */
  take(handle: number, { ino, name }: NamedNode): void {
    const directory = this.#get(handle);
    directory.place = ino;
    directory.after = name;
  }

  #get(handle: number): OpenDirectory {
    const directory = this.#open.get(handle);
    if (!directory) throw new Error(`no open directory has the handle ${handle}`);
    return directory;
  }

  /** The name that an entry of the directory has, or had: a file that was deleted keeps its record for a while. */
  #nameAt(directory: number, place: number): string {
    if (place === BEHIND_PARENT) return '';
    const { tree, files } = this.#volume;
    const names = tree.pathsOf(place).map(path => path.slice(path.lastIndexOf('/') + 1));
    return names.find(name => tree.lookup(directory, name)?.ino === place) ?? files.get(place)?.name ?? '';
  }
}
