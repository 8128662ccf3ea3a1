/** Gathers folder listings into batches, each about one transaction. */
import type { FolderListing } from '../sources/source.js';

const FILES_PER_BATCH = 4_000;
const FOLDERS_PER_BATCH = 1_000;

export class Batch {
  #listings: FolderListing[] = [];
  #files = 0;

  add(listing: FolderListing): void {
    this.#listings.push(listing);
    this.#files += listing.names.length;
  }

  get isFull(): boolean {
    return this.#files >= FILES_PER_BATCH || this.#listings.length >= FOLDERS_PER_BATCH;
  }

  /** What was gathered; the next batch begins empty. */
  take(): FolderListing[] {
    const listings = this.#listings;
    this.#listings = [];
    this.#files = 0;
    return listings;
  }
}

export function* inBatches(listings: Iterable<FolderListing>): Generator<FolderListing[]> {
  const batch = new Batch();
  for (const listing of listings) {
    batch.add(listing);
    if (batch.isFull) yield batch.take();
  }
  yield batch.take();
}
