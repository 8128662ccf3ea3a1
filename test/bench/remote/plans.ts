/** What is read, piece by piece: the same for programs that read files and for those that ask the server. */
import { HUGE_BYTES, hugeKey, KIB, largeKey, MIB, smallKey } from './objects.js';

export interface Piece {
  key: string;
  offset: number;
  size: number;
}

/** What says which pieces: each plan takes what it needs of it. */
export interface PlanOptions {
  /** Of the large or huge object. */
  nth: number;
  largeBytes: number;
  /** How many pieces, files or seeks. */
  count: number;
  /** Bytes of a piece. */
  size: number;
}

export type PlanName = keyof typeof plans;

export const plans = { inOrder, atRandom, skipping, firstBytes, beginnings, smallFiles, seeking, watching };

function* inOrder({ nth, largeBytes, size }: PlanOptions): Generator<Piece> {
  for (let offset = 0; offset < largeBytes; offset += size) {
    yield { key: largeKey(nth), offset, size: Math.min(size, largeBytes - offset) };
  }
}

function* atRandom({ nth, largeBytes, count, size }: PlanOptions): Generator<Piece> {
  const random = randomNumbers();
  for (let at = 0; at < count; at++) {
    yield { key: largeKey(nth), offset: Math.floor(random() * (largeBytes / size)) * size, size };
  }
}

/** Reads a piece, and leaves out fifteen times as much. */
function* skipping({ nth, largeBytes, size }: PlanOptions): Generator<Piece> {
  for (let offset = 0; offset + size <= largeBytes; offset += 16 * size) {
    yield { key: largeKey(nth), offset, size };
  }
}

function* firstBytes({ count }: PlanOptions): Generator<Piece> {
  for (let nth = 0; nth < count; nth++) yield { key: hugeKey(nth), offset: 0, size: 1 };
}

/** So many bytes of each of several large objects. */
function* beginnings({ count, largeBytes, size }: PlanOptions): Generator<Piece> {
  for (let nth = 0; nth < count; nth++) yield* inOrder({ nth, largeBytes, count, size });
}

function* smallFiles({ count, size }: PlanOptions): Generator<Piece> {
  for (let nth = 0; nth < count; nth++) yield { key: smallKey(nth), offset: 0, size };
}

const STEP = 128 * KIB;

/** Somebody looks for a scene: after each seek a player reads 1 to 8 MiB; now and then it looks at the index at the end. */
function* seeking({ nth, count }: PlanOptions): Generator<Piece> {
  const random = randomNumbers();
  const key = hugeKey(nth);
  for (let seek = 0; seek < count; seek++) {
    if (seek % 20 === 0) yield* steps(key, HUGE_BYTES - 2 * MIB, MIB);
    const place = Math.floor(random() * (HUGE_BYTES - 16 * MIB));
    yield* steps(key, place, Math.ceil((1 + random() * 7) * (MIB / STEP)) * STEP);
  }
}

/** Somebody watches a film of `size` bytes a second for ten minutes, and seeks a little now and then. */
function* watching({ nth, count, size }: PlanOptions): Generator<Piece> {
  const random = randomNumbers();
  const key = hugeKey(nth);
  yield* steps(key, HUGE_BYTES - 2 * MIB, MIB);
  let place = 0;
  for (let seek = 0; seek <= count; seek++) {
    const bytes = Math.ceil((600 * size) / (count + 1) / STEP) * STEP;
    yield* steps(key, place, bytes);
    place = Math.floor(random() * (HUGE_BYTES - 2 * bytes));
  }
}

function* steps(key: string, from: number, bytes: number): Generator<Piece> {
  for (let offset = from; offset < from + bytes; offset += STEP) yield { key, offset, size: STEP };
}

/** The "minimal standard" generator of Park and Miller, from 0 to 1; its products are exact in a double. */
function randomNumbers(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}
