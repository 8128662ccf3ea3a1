/** Makes room on a disk that is so full that the cache's index cannot even be opened to make room. */
import { FacetError } from '../errors.js';
import { BlobFiles } from './blob-files.js';
import { BlobIndex } from './blob-index.js';
import { IndexDatabase } from './database.js';
import { type Evicted, Evictor } from './eviction.js';
import { freeBytes } from './space.js';

/** Bytes, ample for the files that SQLite has beside the index. */
const HEADROOM = 4 << 20;

/** Removes what was read the longest ago until `HEADROOM` is free, or nothing can go. Undefined when there was nothing to remove. */
export function makeHeadroom(directory: string): Evicted | undefined {
  let index: IndexDatabase | undefined;
  try {
    index = new IndexDatabase(directory, 'read');
    const evictor = new Evictor(index, new BlobIndex(index.db), new BlobFiles(directory));
    const evicted = evictor.remove({ bytes: HEADROOM - freeBytes(directory) });
    return evicted.blobs > 0 ? evicted : undefined;
  } catch (error) {
    // No cache yet, or none that can be used: the full disk is what there is to tell.
    if (error instanceof FacetError) return undefined;
    throw error;
  } finally {
    index?.close();
  }
}
