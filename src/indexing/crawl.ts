/** Crawls a source, in a thread of its own or in this one, and hands out what it finds, batch by batch, no faster than it is taken. */
import { on, once } from 'node:events';
import { startThread } from '../config/threads.js';
import { errorMessage, FacetError } from '../errors.js';
import type { Crawler, CrawlOptions } from '../sources/crawl.js';
import type { FolderListing, Skipped, Unreadable } from '../sources/source.js';
import { inBatches } from './batches.js';
import { type CrawlMessage, type CrawlThreadData, STOP, WAITING } from './crawl-messages.js';

export interface CrawlSummary {
  skipped: Skipped;
  unreadable: Unreadable[];
}

/**
 * Yields batches of complete folder listings, and returns what was not listed.
 * Throws `unreachable` when the root cannot be listed, an AbortError when `signal` fires.
 */
export async function* crawlInThread(
  options: CrawlOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<FolderListing[], CrawlSummary> {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const worker = startThread<CrawlThreadData>(new URL('./crawl-thread.js', import.meta.url), {
    options,
    control,
  });
  const exited = once(worker, 'exit');
  try {
    for await (const [message] of on(worker, 'message', { signal })) {
      const told = message as CrawlMessage;
      if (told.kind === 'done') return told;
      if (told.kind === 'failed') throw rootError(options.root, told.message);
      yield told.listings;
      Atomics.sub(control, WAITING, 1);
      Atomics.notify(control, WAITING);
    }
    throw new Error('the crawl ended without a word');
  } finally {
    Atomics.store(control, STOP, 1);
    Atomics.store(control, WAITING, 0);
    Atomics.notify(control, WAITING);
    await exited;
  }
}

/** Throws `unreachable` when the root cannot be listed. */
export function* crawlHere(crawler: Crawler, root: string): Generator<FolderListing[]> {
  try {
    yield* inBatches(crawler.folders());
  } catch (error) {
    throw rootError(root, errorMessage(error));
  }
}

function rootError(root: string, message: string): FacetError {
  return new FacetError('unreachable', `cannot list ${root}: ${message}`, {
    path: root,
    hint: 'check the permissions of the folder; what the catalog knows of it is kept',
  });
}
