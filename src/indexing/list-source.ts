/**
 * Lists a whole source, compares each folder with what is known, and writes only what differs. What cannot be listed is never
 * taken for deleted, and a file that was renamed keeps its id.
 */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { compileFilter } from '../sources/filter.js';
import { openRoot } from '../sources/local.js';
import { isRemote, overlooked } from '../sources/open-remote.js';
import type { FolderListing, Unreadable } from '../sources/source.js';
import { type CrawlSummary, crawlInThread } from './crawl.js';
import { forgetMissingDisks, noteDisks } from './disks.js';
import { hashFiles } from './hash.js';
import { listRemote } from './remote-listing.js';
import type { ScanOptions, ScanProgress, ScanResult } from './scanning.js';
import { shrinkRefusal } from './shrink-guard.js';
import { Update } from './update.js';
import { deleteVanished } from './vanished.js';

/** Keeps `result` up to date. Throws as `scan` does. */
export async function listSource(
  catalog: Catalog,
  source: SourceRecord,
  options: ScanOptions,
  result: ScanResult,
): Promise<void> {
  const root = isRemote(source.uri) ? undefined : openRoot(source.uri);
  await new Listing(catalog, source, root, options, result).run();
}

class Listing {
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  /** Of a local source. */
  readonly #root: string | undefined;
  readonly #options: ScanOptions;
  readonly #update: Update;
  readonly #result: ScanResult;

  constructor(
    catalog: Catalog,
    source: SourceRecord,
    root: string | undefined,
    options: ScanOptions,
    result: ScanResult,
  ) {
    this.#catalog = catalog;
    this.#source = source;
    this.#root = root;
    this.#options = options;
    this.#result = result;
    this.#update = new Update(catalog, source, root ?? source.uri, this.#result);
    this.#update.expectGone(catalog.files.foldersOf(source.id));
    if (root !== undefined && options.allowShrink) forgetMissingDisks(catalog, source, root);
  }

  async run(): Promise<void> {
    this.#noteDisks();
    const summary = await this.#crawl();
    const unreadable = [...summary.unreadable, ...this.#noteDisks()];
    this.#result.skipped = summary.skipped;
    this.#result.unreadable = unreadable;
    this.#result.deleted += deleteVanished(this.#catalog, this.#source, this.#update, {
      unreadable,
      check: deletions => this.#refuseToShrink(deletions),
      onRenamed: this.#options.onRenamed,
    });
    if (this.#options.hash) await this.#hash(this.#options.hash === 'all');
  }

  /** Before anything is listed, and again after it: disks are mounted and unmounted meanwhile. Returns those that are missing. */
  #noteDisks(): Unreadable[] {
    if (this.#root === undefined) return [];
    const missing = noteDisks(this.#catalog, this.#source, this.#root);
    if (missing.some(({ path }) => path === '')) throw notMounted(this.#source, this.#root);
    return missing;
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
    const { uri } = this.#source;
    const refusal = shrinkRefusal(this.#source, {
      ...{ deletions, kept: this.#update.kept, found: this.#result.files },
      path: this.#root ?? uri,
      question: this.#root === undefined ? overlooked(uri) : 'is the disk mounted?',
    });
    if (refusal) throw refusal;
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

function notMounted({ name }: SourceRecord, path: string): FacetError {
  return new FacetError('unreachable', `the disk of ${path} is unmounted; what is known of it is kept`, {
    path,
    hint: `mount it; if the folder is meant to be without it: facet index scan ${name} --allow-shrink`,
  });
}
