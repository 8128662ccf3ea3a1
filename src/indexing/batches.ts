/** Cuts the listings of a crawl into batches, each about one transaction. */
import type { FolderListing } from '../sources/source.js';

const FILES_PER_BATCH = 4_000;
const FOLDERS_PER_BATCH = 1_000;

export function isFull(batch: readonly FolderListing[], files: number): boolean {
  return files >= FILES_PER_BATCH || batch.length >= FOLDERS_PER_BATCH;
}

export function* inBatches(listings: Iterable<FolderListing>): Generator<FolderListing[]> {
  let batch: FolderListing[] = [];
  let files = 0;
  for (const listing of listings) {
    batch.push(listing);
    files += listing.names.length;
    if (!isFull(batch, files)) continue;
    yield batch;
    batch = [];
    files = 0;
  }
  yield batch;
}
