/** What a scan is told, and what it tells. */
import type { CrawlOptions } from '../sources/crawl.js';
import type { FolderListing, Skipped, Unreadable } from '../sources/source.js';
import type { CrawlSummary } from './crawl.js';

export interface ScanOptions {
  /** Globs excluded in every source, besides the source's own. */
  exclude?: readonly string[];
  /** Compute the SHA-256 of files: of those that have none yet, or of all, to find contents that changed unnoticed. */
  hash?: 'missing' | 'all';
  /** Delete even when most of the source is gone. */
  allowShrink?: boolean;
  signal?: AbortSignal;
  /** Told of files of a remote source that were renamed there. */
  onRenamed?: (renamed: Renamed) => void;
  onProgress?: (progress: ScanProgress) => void;
  /** How long to wait for somebody else who scans the source. */
  lockMs?: number;
  /** How a local source is crawled; in a thread of its own when left out. */
  crawl?: Crawl;
}

/** Yields batches of complete folder listings, and returns what was not listed. */
export type Crawl = (
  options: CrawlOptions,
  signal: AbortSignal | undefined,
) => AsyncGenerator<FolderListing[], CrawlSummary>;

export interface ScanProgress {
  phase: 'listing' | 'hashing';
  files: number;
  folders: number;
  /** Checksums computed. */
  hashed: number;
}

export interface ScanResult extends UpdateCounts {
  source: string;
  hashed: number;
  skipped: Skipped;
  /** What could not be listed or read; what the catalog knew of it is kept. */
  unreadable: Unreadable[];
  seconds: number;
}

/** How many files there are, and what became of them: each that is there counts once below `added` … `unchanged`. */
export interface UpdateCounts {
  files: number;
  folders: number;
  bytes: number;
  added: number;
  modified: number;
  renamed: number;
  unchanged: number;
  deleted: number;
}

export const NOTHING_YET: Readonly<UpdateCounts> = {
  files: 0,
  folders: 0,
  bytes: 0,
  added: 0,
  modified: 0,
  renamed: 0,
  unchanged: 0,
  deleted: 0,
};

/** A file of a remote source that is at another path in the same version. */
export interface Renamed {
  from: string;
  to: string;
  version: string | null;
}
