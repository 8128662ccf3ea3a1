/** What the thread that crawls a source and whoever asked for it tell each other. */
import type { CrawlOptions } from '../sources/crawl.js';
import type { FolderListing, Skipped, Unreadable } from '../sources/source.js';

/** What the thread posts, in this order: any number of `folders`, then one `done` or `failed`. */
export type CrawlMessage =
  | { kind: 'folders'; listings: FolderListing[] }
  | { kind: 'done'; skipped: Skipped; unreadable: Unreadable[] }
  | { kind: 'failed'; message: string };

export interface CrawlThreadData {
  options: CrawlOptions;
  /** [0]: batches posted and not yet taken; [1]: 1 asks the thread to stop. */
  control: Int32Array;
}

export const WAITING = 0;
export const STOP = 1;
