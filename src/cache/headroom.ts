/** Makes room on a disk that is so full that the cache's index cannot even be opened to make room. */
import { FacetError } from '../errors.js';
import { BlobFiles } from './blob-files.js';
import { BlobIndex } from './blob-index.js';
import { BlockMap } from './block-map.js';
import { IndexDatabase } from './database.js';
import { Evictor } from './eviction.js';
import { Recovery } from './recovery.js';
import { freeBytes } from './space.js';

/** Bytes, ample for the files that SQLite has beside the index. */
const HEADROOM = 4 << 20;

/** Removes what ended processes left behind, then what was read the longest ago, until `HEADROOM` is free or nothing can go. */
export function makeHeadroom(directory: string): void {
  let index: IndexDatabase | undefined;
  try {
    index = new IndexDatabase(directory, 'brief');
    const [blobs, files] = [new BlobIndex(index.db), new BlobFiles(directory)];
    new Recovery(index, blobs, new BlockMap(index.db), files).sweep();
    new Evictor(index, blobs, files).remove({ bytes: HEADROOM - freeBytes(directory) });
  } catch (error) {
    // No cache yet, or none that can be used: who opens it is told.
    if (!(error instanceof FacetError)) throw error;
  } finally {
    index?.close();
  }
}
