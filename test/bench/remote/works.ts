/** What is done with the bucket and timed, through whatever shows it. */

import { formatCount } from '../table.js';
import { KIB, LARGE_OBJECTS, MIB, SMALL_OBJECTS } from './objects.js';
import type { PlanOptions } from './plans.js';
import type { ReadingOrder } from './reading.js';

/** Pieces to read; what is left out is not of interest to the plan. */
export type Order = Pick<ReadingOrder, 'plan'> & PlanOptions;

/** Everything below `many`, which are so many files. */
export interface Everything {
  listed: number;
}

/** The chapter of listings. */
export const LIST = 'list';

export interface Work {
  chapter: string;
  name: string;
  task: Order | Everything;
  /** How many requests a bare reader has under way. */
  parallel: number;
  /** What another size of requests a bare reader makes, in bytes. */
  bareSize?: number;
  /** It was read before, so that it need not come from afar. */
  isWarm?: boolean;
  /** The memory that the system fills with it, in bytes. */
  fills?: number;
  /** The mount is closed and opened again first, which is part of the time. */
  restarts?: boolean;
}

/** Somebody who waits for each answer gets so many seconds' worth of round trips. */
const PATIENCE_MS = 3_000;
const FIRST_BYTES = 3;
const MOST_RANDOM = 500;

/** What is read and kept is in the page cache of the mount, and in that of the disk. */
export const FILLED = 3;

/** The object that is written to the local disk as well. */
export const READ_WHOLE = 0;

export function worksFor(delayMs: number, largeBytes: number, listed: number): Work[] {
  const fitting = (most: number) => Math.min(most, Math.round(PATIENCE_MS / Math.max(delayMs, 1)));
  const [small, random] = [delayMs === 0 ? SMALL_OBJECTS : fitting(SMALL_OBJECTS), fitting(MOST_RANDOM)];
  const base = { nth: 0, largeBytes, count: 0, size: MIB };
  const list = {
    chapter: LIST,
    name: `find -printf '%s %T@', ${formatCount(listed)} files`,
    task: { listed },
    parallel: 1,
  };
  const files: Work = {
    chapter: 'small',
    name: `read ${formatCount(small)} files of 4 KiB`,
    task: { ...base, plan: 'smallFiles', count: small, size: 4 * KIB },
    parallel: 1,
  };
  const whole: Work = {
    chapter: 'sequential',
    name: `read ${largeBytes / MIB} MiB in order`,
    task: { ...base, plan: 'inOrder', nth: READ_WHOLE },
    parallel: 8,
    bareSize: 8 * MIB,
  };
  return [
    {
      chapter: 'first-byte',
      name: `first byte of ${FIRST_BYTES} objects of 10 GB`,
      task: { ...base, plan: 'firstBytes', count: FIRST_BYTES, size: 1 },
      parallel: 1,
    },
    list,
    { ...list, name: 'list them again', isWarm: true },
    files,
    { ...files, name: 'read these again', isWarm: true },
    {
      chapter: 'random',
      name: `${formatCount(random)} random reads of 4 KiB`,
      task: { ...base, plan: 'atRandom', nth: 1, count: random, size: 4 * KIB },
      parallel: 1,
    },
    {
      chapter: 'skip',
      name: `read 1 MiB, skip 15, of ${largeBytes / MIB} MiB`,
      task: { ...base, plan: 'skipping', nth: 2 },
      parallel: 1,
    },
    { ...whole, fills: FILLED * largeBytes },
    { ...whole, name: 'read it again', isWarm: true },
    { ...whole, name: 'mount anew, then read it', isWarm: true, restarts: true },
  ];
}

export function chaptersOf(works: readonly Work[]): Set<string> {
  return new Set(works.map(each => each.chapter));
}

/** The chapter of what needs no mount. */
export const FETCH = 'fetch';

/** An object that no work above reads: it is fetched. */
export const FETCHED = LARGE_OBJECTS - 1;
