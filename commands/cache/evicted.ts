/** What a command removed from the cache, and what it had to leave there, for people. */
import type { Evicted } from '../../src/cache/eviction.js';
import { formatItems, formatSize } from '../format.js';

/** Where there is no cache. */
export const nothing: Evicted = { blobs: 0, bytes: 0, kept: 0 };

export function evictedText(verb: string, { blobs, bytes, kept }: Evicted): string {
  const gone = `${verb} ${formatItems(blobs, 'blob')}, ${formatSize(bytes)}`;
  return kept === 0 ? gone : `${gone}; kept ${formatItems(kept, 'blob')}, pinned or being read`;
}
