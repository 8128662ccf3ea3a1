/** Lists a remote source as a crawl lists a local one: complete folders in batches, without what the source's globs leave out. */
import type { SourceRecord } from '../catalog/sources.js';
import { compileFilter, type Filter } from '../sources/filter.js';
import { openSource } from '../sources/open-remote.js';
import type { RemoteFile, RemoteFolder } from '../sources/remote.js';
import {
  ATTRIBUTES_PER_FILE,
  type FolderListing,
  nothingSkipped,
  type Unreadable,
} from '../sources/source.js';
import { Batch } from './batches.js';
import type { CrawlSummary } from './crawl.js';

/** Remote sources tell no permissions. */
const FILE_MODE = 0o100644;
const FOLDER_MODE = 0o040755;

/** Throws what `RemoteSource.folders` throws, and an AbortError when `signal` fires. */
export async function* listRemote(
  source: SourceRecord,
  exclude: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<FolderListing[], CrawlSummary> {
  const listed = new Listed(compileFilter(source.options.include, exclude));
  const remote = await openSource(source);
  try {
    const batch = new Batch();
    for await (const folder of remote.folders(signal)) {
      const listing = listed.listingOf(folder);
      if (listing === undefined) continue;
      batch.add(listing);
      if (batch.isFull) yield batch.take();
    }
    if (!listed.hasRoot) batch.add(listed.emptyRoot());
    yield batch.take();
    return { skipped: listed.skipped, unreadable: listed.unreadable };
  } finally {
    await remote.close();
  }
}

/** What becomes of the folders of one listing. */
class Listed {
  readonly skipped = nothingSkipped();
  hasRoot = false;
  readonly #unreadable = new Map<string, string>();
  readonly #filter: Filter;
  /** Folder → whether it is entered. */
  readonly #entered = new Map<string, boolean>([['', true]]);

  constructor(filter: Filter) {
    this.#filter = filter;
  }

  /** What could not be listed, each once. */
  get unreadable(): Unreadable[] {
    return [...this.#unreadable].map(([path, reason]) => ({ path, reason }));
  }

  /** Undefined for what is left out, and for what cannot be listed. */
  listingOf(told: RemoteFolder | Unreadable): FolderListing | undefined {
    if ('reason' in told) return this.#miss(told);
    const { path, files } = told;
    if (path === '') this.hasRoot = true;
    if (!this.#isEntered(path)) {
      this.skipped.excluded += files.length;
      return undefined;
    }
    const prefix = path === '' ? '' : `${path}/`;
    const kept = files.filter(({ name }) => this.#filter.file(prefix + name, undefined));
    this.skipped.excluded += files.length - kept.length;
    this.skipped.oddKeys += kept.filter(({ key }) => key !== undefined).length;
    return toListing(path, kept);
  }

  #miss({ path, reason }: Unreadable): undefined {
    if (this.#isEntered(path) && !this.#unreadable.has(path)) this.#unreadable.set(path, reason);
  }

  emptyRoot(): FolderListing {
    return toListing('', []);
  }

  #isEntered(path: string): boolean {
    const known = this.#entered.get(path);
    if (known !== undefined) return known;
    const above = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
    const isEntered = this.#isEntered(above) && this.#filter.folder(path, undefined);
    this.#entered.set(path, isEntered);
    return isEntered;
  }
}

function toListing(path: string, files: readonly RemoteFile[]): FolderListing {
  const sorted = [...files].sort((one, other) => (one.name < other.name ? -1 : 1));
  const attributes = new Float64Array(sorted.length * ATTRIBUTES_PER_FILE);
  let mtimeUs = 0;
  for (const [at, file] of sorted.entries()) {
    attributes.set([file.size, file.mtimeUs, FILE_MODE], at * ATTRIBUTES_PER_FILE);
    mtimeUs = Math.max(mtimeUs, file.mtimeUs);
  }
  return {
    path,
    mtimeUs,
    mode: FOLDER_MODE,
    names: sorted.map(({ name }) => name),
    attributes,
    targets: new Map(),
    remote: sorted.map(({ version, key }) => ({ version: version ?? null, key: key ?? null })),
  };
}
