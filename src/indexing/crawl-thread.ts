/** The thread in which a source is crawled, so that listing and writing to the catalog use a core each. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../errors.js';
import { Crawler } from '../sources/crawl.js';
import { inBatches } from './batches.js';
import { type CrawlMessage, type CrawlThreadData, STOP, WAITING } from './crawl-messages.js';

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
    post({ kind: 'failed', message: errorMessage(error) });
  }
}
