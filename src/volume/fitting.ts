/** Which files the cache has room for at the same time: those that are brought first must not go for those that come last. */
import { blockCount, roomOf } from '../cache/blocks.js';
import type { Cache } from '../cache/cache.js';
import type { FileRecord } from '../catalog/files.js';
import { contentKey } from './content-key.js';

export interface Fitting {
  fits: FileRecord[];
  /** Their contents are those of files that fit: they take nothing once those are there. */
  twins: FileRecord[];
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
    twins: [],
    tooLarge: [],
    tooMany: [],
    room: cache.roomFor(files.map(contentKey)),
  };
  const pinned = new Set(cache.pinned(''));
  const isPinned = (file: FileRecord) => Number(pinned.has(contentKey(file)));
  const contents = new Set<string>();
  let left = fitting.room;
  for (const file of files.toSorted((a, b) => isPinned(b) - isPinned(a))) {
    const needed = roomOf(file.size, { start: 0, end: blockCount(file.size) });
    const known = contentsOf(file);
    if (known !== undefined && contents.has(known)) fitting.twins.push(file);
    else if (needed > fitting.room) fitting.tooLarge.push(file);
    else if (needed > left) fitting.tooMany.push(file);
    else {
      fitting.fits.push(file);
      left -= needed;
      if (known !== undefined) contents.add(known);
    }
  }
  return fitting;
}

/** Files for which this is the same have the same contents. */
function contentsOf({ sha256, size }: FileRecord): string | undefined {
  return sha256 === null ? undefined : `${Buffer.from(sha256).toString('hex')} ${size}`;
}
