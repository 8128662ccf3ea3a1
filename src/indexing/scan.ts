/**
 * Brings the catalog up to date with a source: crawls it, compares each folder with what is known, and writes only what
 * differs. What cannot be listed is never taken for deleted, and a file that was renamed keeps its id.
 */
import { type Catalog, WATCHER_MS } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import { errorMessage, FacetError, type FacetErrorCode } from '../errors.js';
import type { CrawlOptions } from '../sources/crawl.js';
import { compileFilter } from '../sources/filter.js';
import { openRoot } from '../sources/local.js';
import { isRemote } from '../sources/open-remote.js';
import type { FolderListing, Skipped, Unreadable } from '../sources/source.js';
import { isStream } from '../sources/stream-uri.js';
import { type CrawlSummary, crawlInThread } from './crawl.js';
import { hashFiles } from './hash.js';
import type { Batch } from './keeper.js';
import { listRemote } from './remote-listing.js';
import { refuseToShrink } from './shrink-guard.js';
import { NOTHING_YET, type Renamed, Update, type UpdateCounts } from './update.js';
import { deleteVanished } from './vanished.js';

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

/** Why a source cannot be listed now. */
const UNAVAILABLE: ReadonlySet<FacetErrorCode> = new Set(['unreachable', 'denied', 'not-found']);

/**
 * Scans one source. Throws `unreachable` (and notes it in the source's state) when it cannot be listed, `in-use` when
 * another process is scanning it, `not-found` when it was removed, `usage` for a malformed glob, `failed` when most of its
 * files seem to be gone.
 */
export async function scan(
  catalog: Catalog,
  source: SourceRecord,
  options: ScanOptions = {},
): Promise<ScanResult> {
  const lock = catalog.lockSource(source, options.lockMs ?? WATCHER_MS);
  try {
    if (!catalog.sources.withId(source.id)) {
      throw new FacetError('not-found', `the source ${source.name} was removed a moment ago`, {
        hint: 'see which there are: facet index status',
      });
    }
    if (isStream(source.uri)) return await catchUp(catalog, source, options);
    const root = isRemote(source.uri) ? undefined : openRoot(source.uri);
    return await new Scan(catalog, source, root, options).run();
  } catch (error) {
    if (error instanceof FacetError && UNAVAILABLE.has(error.code)) {
      catalog.write(() => catalog.sources.setUnavailable(source.id, errorMessage(error)));
    }
    throw error;
  } finally {
    lock.release();
  }
}

/** A stream says by itself what has changed. */
async function catchUp(catalog: Catalog, source: SourceRecord, options: ScanOptions): Promise<ScanResult> {
  const startedAt = performance.now();
  const { catchUpOnce } = await import('./stream/catch-up.js');
  const counts = await catchUpOnce(catalog, source, {
    exclude: options.exclude ?? [],
    allowShrink: options.allowShrink ?? false,
    full: options.hash === 'all',
    signal: options.signal ?? new AbortController().signal,
    onProgress: files => options.onProgress?.({ phase: 'listing', files, folders: 0, hashed: 0 }),
  });
  const totals = catalog.files.totals(source.id);
  const changed = counts.added + counts.modified + counts.renamed;
  noteScan(catalog, source);
  return {
    ...{ ...nothingYet(source), ...totals, ...counts },
    unchanged: Math.max(0, totals.files - changed),
    seconds: (performance.now() - startedAt) / 1000,
  };
}

function nothingYet({ name }: SourceRecord): ScanResult {
  return {
    ...{ source: name, ...NOTHING_YET, hashed: 0, seconds: 0, unreadable: [] },
    skipped: { special: 0, excluded: 0, linksNotFollowed: 0, notUtf8: 0 },
  };
}

function noteScan(catalog: Catalog, source: SourceRecord): void {
  catalog.write(() => catalog.sources.setScanned(source.id, new Date().toISOString()));
  catalog.prune();
}

class Scan {
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  /** Of a local source. */
  readonly #root: string | undefined;
  readonly #options: ScanOptions;
  readonly #startedAt = performance.now();
  readonly #update: Update;
  readonly #result: ScanResult;

  constructor(catalog: Catalog, source: SourceRecord, root: string | undefined, options: ScanOptions) {
    this.#catalog = catalog;
    this.#source = source;
    this.#root = root;
    this.#options = options;
    this.#result = nothingYet(source);
    this.#update = new Update(catalog, source, root ?? source.uri, this.#result);
    this.#update.expectGone(catalog.files.foldersOf(source.id));
  }

  async run(): Promise<ScanResult> {
    const summary = await this.#crawl();
    this.#result.skipped = summary.skipped;
    this.#result.unreadable = summary.unreadable;
    this.#result.deleted += deleteVanished(this.#catalog, this.#source, this.#update, {
      unreadable: summary.unreadable,
      check: deletions => this.#refuseToShrink(deletions),
      onRenamed: this.#options.onRenamed,
    });
    if (this.#options.hash) await this.#hash(this.#options.hash === 'all');
    noteScan(this.#catalog, this.#source);
    this.#result.seconds = (performance.now() - this.#startedAt) / 1000;
    return this.#result;
  }

  async #crawl(): Promise<CrawlSummary> {
    const all = [...this.#source.options.exclude, ...(this.#options.exclude ?? [])];
    // A malformed glob is the user's mistake; told by the thread, it would be one of the source.
    compileFilter(this.#source.options.include, all);
    const batches = this.#batches(all);
    try {
      for (;;) {
        const { done, value } = await batches.next();
        if (done) return value;
        this.#update.apply(value);
        this.#report('listing');
      }
    } finally {
      await batches.return({ skipped: this.#result.skipped, unreadable: [] });
    }
  }

  #batches(exclude: readonly string[]): AsyncGenerator<FolderListing[], CrawlSummary> {
    const { signal } = this.#options;
    if (this.#root === undefined) return listRemote(this.#source, exclude, signal);
    const { include, follow } = this.#source.options;
    const { crawl = crawlInThread } = this.#options;
    return crawl({ root: this.#root, include, exclude, follow }, signal);
  }

  #report(phase: ScanProgress['phase'], hashed = 0): void {
    const { files, folders } = this.#result;
    this.#options.onProgress?.({ phase, files, folders, hashed });
  }

  #refuseToShrink(deletions: number): void {
    if (this.#options.allowShrink) return;
    const { kept } = this.#update;
    refuseToShrink(this.#source, {
      ...{ deletions, kept, found: this.#result.files },
      path: this.#root ?? this.#source.uri,
      question: 'is the disk mounted?',
    });
  }

  /** What is remote would have to be downloaded for that. */
  async #hash(all: boolean): Promise<void> {
    if (this.#root === undefined) return;
    const { hashed, modified, unreadable } = await hashFiles(this.#catalog, this.#source, this.#root, {
      all,
      signal: this.#options.signal,
      onProgress: done => this.#report('hashing', done),
    });
    this.#result.hashed = hashed;
    this.#result.modified += modified;
    this.#result.unreadable.push(...unreadable);
  }
}

/** What a complete scan is to whoever follows a source. */
export function batchOf({ source, added, modified, renamed, deleted, seconds }: ScanResult): Batch {
  const at = new Date().toISOString();
  return { source, at, extent: 'all', added, modified, renamed, deleted, seconds };
}
