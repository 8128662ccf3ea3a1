/** Lists some folders of a source again and brings what differs to the catalog, as a scan does for all of them. */
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord } from '../../catalog/sources.js';
import { Crawler, type CrawlOptions, type FileIdentity } from '../../sources/crawl.js';
import type { Unreadable } from '../../sources/source.js';
import { Batch } from '../batches.js';
import { missingDisks } from '../disks.js';
import { NOTHING_YET, type UpdateCounts } from '../scanning.js';
import { Update } from '../update.js';
import { deleteVanished } from '../vanished.js';
import type { WatchedFolders } from './folders.js';

export class Relisting {
  readonly counts: UpdateCounts = { ...NOTHING_YET };
  readonly listed = new Set<string>();
  readonly unreadable: Unreadable[] = [];
  /** Folders with links in them that were followed. */
  readonly linked = new Set<string>();
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  readonly #options: CrawlOptions;
  readonly #watched: WatchedFolders;
  readonly #update: Update;
  readonly #batch = new Batch();
  /** The folders that were found in the one that is being listed. */
  #found = new Set<string>();

  constructor(catalog: Catalog, source: SourceRecord, options: CrawlOptions, watched: WatchedFolders) {
    this.#catalog = catalog;
    this.#source = source;
    this.#options = options;
    this.#watched = watched;
    this.#update = new Update(catalog, source, options.root, this.counts);
  }

  /** Folders that have to be listed too, and that nothing was told of. */
  get twins(): ReadonlySet<string> {
    return this.#update.twins;
  }

  /**
   * Lists these folders, and those below them that were not watched yet, or all of them where it is to be `deep`. Folders
   * that are there no more are left to the listing of those above them.
   */
  list(folders: ReadonlyMap<string, boolean>): void {
    for (const [path, deep] of folders) {
      this.listed.add(path);
      if (path === '' || this.#watched.isKnown(path)) this.#listOne(path, deep);
    }
    this.#flush();
  }

  #listOne(path: string, deep: boolean): void {
    const crawler = new Crawler(this.#options, (below, folder) => this.#enters(below, folder, deep));
    this.#found = new Set();
    for (const listing of crawler.below(path)) {
      this.#batch.add(listing);
      this.#noteGone(listing.path, this.#found);
      if (this.#batch.isFull) this.#flush();
      this.#found = new Set();
    }
    this.unreadable.push(...crawler.unreadable);
    for (const each of crawler.linked) this.linked.add(each);
  }

  /** Watched first, then listed: what happens in between is told. */
  #enters(path: string, folder: FileIdentity, deep: boolean): boolean {
    this.#found.add(path.slice(path.lastIndexOf('/') + 1));
    if (this.#watched.has(path, folder)) return deep;
    this.#watched.add(path, folder);
    return true;
  }

  #noteGone(path: string, found: ReadonlySet<string>): void {
    const prefix = path === '' ? '' : `${path}/`;
    for (const name of this.#watched.below(path)) if (!found.has(name)) this.#watched.forget(prefix + name);
    const gone = [...this.#catalog.files.subfolders(this.#source.id, path)].filter(name => !found.has(name));
    if (gone.length === 0) return;
    // One of them may have been listed a moment ago.
    this.#flush();
    for (const name of gone) {
      this.#update.expectGone(this.#catalog.files.foldersBelow(this.#source.id, prefix + name));
    }
  }

  #flush(): void {
    this.#update.apply(this.#batch.take());
  }

  /** What was not met is gone. No guard as a scan has: the kernel told of each deletion, and the root is where it was. */
  finish(): void {
    const missing = missingDisks(this.#catalog, this.#source, this.#options.root);
    const unreadable = [...this.unreadable, ...missing];
    this.counts.deleted += deleteVanished(this.#catalog, this.#source, this.#update, { unreadable });
  }
}
