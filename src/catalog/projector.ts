/**
 * What the catalog tells the tree while it writes. The catalog knows files and folders of sources; how a tree is
 * made of them is the business of `tree/`, which implements this and works inside the same transaction.
 */

/** `d_type` of readdir(3): what a directory entry is. */
export const EntryType = { directory: 4, file: 8, link: 10 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

export interface CatalogFile {
  id: number;
  /** The source's name. */
  source: string;
  /** Below the source's root, '' for the root itself. */
  folderPath: string;
  name: string;
  /** Bytes. */
  size: number;
  mtimeUs: number;
  /** st_mode: type and permissions. */
  mode: number;
}

export interface CatalogFolder {
  source: string;
  path: string;
  mtimeUs: number;
  mode: number;
}

export interface Projector {
  /** A write transaction begins. `changedElsewhere`: another connection wrote since the last one of this connection. */
  begin(changedElsewhere: boolean): void;
  fileAdded(file: CatalogFile): void;
  /** Anything about the file is different: path, type, size, time, mode, contents, labels or properties. */
  fileChanged(file: CatalogFile): void;
  fileRemoved(id: number): void;
  /** The folder is new, or its time or mode is another. */
  folderPut(folder: CatalogFolder): void;
  folderRemoved(source: string, path: string): void;
  /** Other rules are in force. */
  rulesChanged(): void;
  /** Looks again at up to `limit` files whose time has come. */
  revisit(limit: number): void;
  /** Everything that was told is in the tree when this returns. Throws to undo the whole transaction. */
  finish(): void;
  /** The transaction was rolled back. */
  abandon(): void;
}

/** Numbers for inodes, unique among files and directories, taken inside the write transaction. */
export type TakeInode = () => number;
