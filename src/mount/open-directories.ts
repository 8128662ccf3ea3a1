/**
 * Directories that are being listed through the mount. A position is the number of an entry; entries are read from the
 * tree page by page, each page after the last name of the one before, so that entries which come or go meanwhile neither
 * repeat nor hide others.
 */
import type { NamedNode, Tree } from '../tree/tree.js';

/** Entries read from the tree at once. */
const PAGE = 512;

interface PageStart {
  /** Position of the page's first entry. */
  from: number;
  /** The name before it. */
  after: string;
}

interface OpenDirectory {
  ino: number;
  /** Where the pages read so far begin, for going back (seekdir). */
  starts: PageStart[];
  from: number;
  entries: NamedNode[];
}

export class OpenDirectories {
  readonly #tree: Tree;
  readonly #open = new Map<number, OpenDirectory>();
  #lastHandle = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  open(ino: number): number {
    this.#open.set(++this.#lastHandle, { ino, starts: [], from: 0, entries: [] });
    return this.#lastHandle;
  }

  release(handle: number): void {
    this.#open.delete(handle);
  }

  /** The entry at a position, undefined behind the last one. */
  entryAt(handle: number, position: number): NamedNode | undefined {
    const directory = this.#open.get(handle);
    if (!directory) throw new Error(`no open directory has the handle ${handle}`);
    if (position === 0 || directory.starts.length === 0) this.#restart(directory);
    if (position < directory.from) this.#goBack(directory, position);
    while (position >= directory.from + directory.entries.length) {
      if (directory.entries.length < PAGE) return undefined;
      this.#turn(directory);
    }
    return directory.entries[position - directory.from];
  }

  /** From the start, as the directory is now. */
  #restart(directory: OpenDirectory): void {
    directory.starts = [];
    this.#load(directory, { from: 0, after: '' });
  }

  #goBack(directory: OpenDirectory, position: number): void {
    const behind = directory.starts.findIndex(start => start.from > position);
    const start = directory.starts[behind - 1];
    if (!start) throw new Error(`position ${position} is before every page`);
    directory.starts.length = behind - 1;
    this.#load(directory, start);
  }

  #turn(directory: OpenDirectory): void {
    const { from, entries } = directory;
    this.#load(directory, { from: from + entries.length, after: entries.at(-1)?.name ?? '' });
  }

  #load(directory: OpenDirectory, start: PageStart): void {
    directory.starts.push(start);
    directory.from = start.from;
    directory.entries = this.#tree.list(directory.ino, start.after, PAGE);
  }
}
