/**
 * The thread in which sources are scanned, one after the other, while something else must go on: writing a large one takes
 * seconds. It answers each ScanTask with one ScanMessage.
 */
import { parentPort } from 'node:worker_threads';
import { errorMessage, FacetError } from '../errors.js';
import { Crawler, type CrawlOptions } from '../sources/crawl.js';
import type { FolderListing } from '../sources/source.js';
import { openCatalog } from '../tree/open-catalog.js';
import { type CrawlSummary, crawlHere } from './crawl.js';
import type { Batch } from './keeper.js';
import { batchOf, scan } from './scan.js';

export interface ScanTask {
  catalogFile: string;
  sourceId: number;
  /** Globs excluded besides the source's own. */
  exclude: readonly string[];
}

export type ScanMessage =
  | { kind: 'scanned'; batch: Batch }
  | { kind: 'gone' }
  | { kind: 'failed'; message: string; hint: string | undefined };

async function run({ catalogFile, sourceId, exclude }: ScanTask): Promise<ScanMessage> {
  try {
    const catalog = openCatalog(catalogFile, 'write');
    try {
      const source = catalog.sources.withId(sourceId);
      // Removed a moment ago: whoever keeps it is about to end this thread.
      if (!source) return { kind: 'gone' };
      const result = await scan(catalog, source, { exclude, crawl });
      return { kind: 'scanned', batch: batchOf(result) };
    } finally {
      catalog.close();
    }
  } catch (error) {
    const hint = error instanceof FacetError ? error.hint : undefined;
    return { kind: 'failed', message: errorMessage(error), hint };
  }
}

/** Nobody waits for it: one more thread would cost more than it brings. */
async function* crawl(options: CrawlOptions): AsyncGenerator<FolderListing[], CrawlSummary> {
  const crawler = new Crawler(options);
  yield* crawlHere(crawler, options.root);
  return crawler;
}

parentPort?.on('message', async (task: ScanTask) => parentPort?.postMessage(await run(task)));
