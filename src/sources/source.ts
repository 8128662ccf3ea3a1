/** What sources have in common: how a URI names one, and what a listing of it looks like. */
import type { FileAttributes } from '../catalog/files.js';

/** The numbers of one file in `FolderListing.attributes`. */
export const ATTRIBUTES_PER_FILE = 5;

/**
 * One folder of a source, listed completely: a file of it that is not here is gone (or in `unreadable`). Made to travel
 * between threads without a copy of its numbers.
 */
export interface FolderListing {
  /** Below the source's root; '' is the root. */
  path: string;
  mtimeUs: number;
  mode: number;
  /** Names of files and links, sorted by UTF-16 code units. */
  names: string[];
  /** size, mtimeUs, mode, dev, ino of each name. */
  attributes: Float64Array;
  /** The target of each name that is a symbolic link. */
  targets: Map<number, string>;
  /** Of a remote source: version and key of each name. Local files have neither. */
  remote?: readonly { version: string | null; key: string | null }[];
}

/** Something in a source that could not be listed; what the catalog knows of it stays. */
export interface Unreadable {
  path: string;
  /** Why, in the words of the operating system or of the server. */
  reason: string;
}

/** What a crawl met and did not list. */
export interface Skipped {
  /** FIFOs, sockets and devices. */
  special: number;
  excluded: number;
  /** Links that lead out of the source, or to a folder above themselves, with `follow`. */
  linksNotFollowed: number;
  /** Listed, but the name is not UTF-8. */
  notUtf8: number;
  /** Listed, with other characters than the source has: its keys are no paths. */
  oddKeys: number;
}

export function nothingSkipped(): Skipped {
  return { special: 0, excluded: 0, linksNotFollowed: 0, notUtf8: 0, oddKeys: 0 };
}

export function attributesAt(listing: FolderListing, index: number): FileAttributes {
  const at = index * ATTRIBUTES_PER_FILE;
  const numbers = listing.attributes;
  const remote = listing.remote?.[index];
  return {
    size: numbers[at] ?? 0,
    mtimeUs: numbers[at + 1] ?? 0,
    mode: numbers[at + 2] ?? 0,
    dev: remote ? null : (numbers[at + 3] ?? 0),
    ino: remote ? null : (numbers[at + 4] ?? 0),
    target: listing.targets.get(index) ?? null,
    version: remote?.version ?? null,
    key: remote?.key ?? null,
  };
}
