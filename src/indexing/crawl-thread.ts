/** The thread in which a source is crawled, so that listing and writing to the catalog use a core each. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage, systemErrorCode } from '../errors.js';
import { Crawler, type CrawlOptions } from '../sources/crawl.js';
import type { FolderListing, Skipped, Unreadable } from '../sources/source.js';
import { inBatches } from './batches.js';

/** What the thread posts, in this order: any number of `folders`, then one `done` or `failed`. */
export type CrawlMessage =
  | { kind: 'folders'; listings: FolderListing[] }
  | { kind: 'done'; skipped: Skipped; unreadable: Unreadable[] }
  | { kind: 'failed'; code: string | undefined; message: string };

export interface CrawlThreadData {
  options: CrawlOptions;
  /** [0]: batches posted and not yet taken; [1]: 1 asks the thread to stop. */
  control: Int32Array;
}

export const WAITING = 0;
export const STOP = 1;

/** Bounds the memory of a crawl that is faster than the catalog. */
const MAX_WAITING = 16;

function run({ options, control }: CrawlThreadData, post: (message: CrawlMessage) => void): void {
  const crawler = new Crawler(options);
  for (const listings of inBatches(crawler.folders())) {
    post({ kind: 'folders', listings });
    const waiting = Atomics.add(control, WAITING, 1) + 1;
    if (waiting >= MAX_WAITING) Atomics.wait(control, WAITING, waiting);
    if (Atomics.load(control, STOP) === 1) return;
  }
  post({ kind: 'done', skipped: crawler.skipped, unreadable: crawler.unreadable });
}

if (parentPort) {
  const port = parentPort;
  const post = (message: CrawlMessage) => port.postMessage(message);
  try {
    run(workerData as CrawlThreadData, post);
  } catch (error) {
    post({ kind: 'failed', code: systemErrorCode(error), message: errorMessage(error) });
  }
}
