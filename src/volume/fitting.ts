/** Which files the cache has room for at the same time: those that are brought first must not go for those that come last. */
import { blockCount, roomOf } from '../cache/blocks.js';
import type { Cache } from '../cache/cache.js';
import type { FileRecord } from '../catalog/files.js';
import { contentKey } from './content-key.js';

export interface Fitting {
  fits: FileRecord[];
  /** Each of them is more than there is room for at all. */
  tooLarge: FileRecord[];
  /** There is no room for them beside those that fit. */
  tooMany: FileRecord[];
  /** Bytes, beside what is pinned and not among the files. */
  room: number;
}

/** In the order of the files, those first that are pinned: they stay anyway. */
export function fitInto(cache: Cache, files: readonly FileRecord[]): Fitting {
  const fitting: Fitting = {
    fits: [],
    tooLarge: [],
    tooMany: [],
    room: cache.roomFor(files.map(contentKey)),
  };
  const pinned = new Set(cache.pinned(''));
  const isPinned = (file: FileRecord) => Number(pinned.has(contentKey(file)));
  let left = fitting.room;
  for (const file of files.toSorted((a, b) => isPinned(b) - isPinned(a))) {
    const needed = roomOf(file.size, { start: 0, end: blockCount(file.size) });
    if (needed > fitting.room) fitting.tooLarge.push(file);
    else if (needed > left) fitting.tooMany.push(file);
    else {
      fitting.fits.push(file);
      left -= needed;
    }
  }
  return fitting;
}
