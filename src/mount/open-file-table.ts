/**
 * The open versions of files, in memory that two threads share: the FUSE thread enters them, the notify thread looks now
 * and then whether they were written to, and shows their new size once the kernel has dropped what it would contradict.
 */
import type { Version } from './sightings.js';

/** An open version that the notify thread is to look at. */
export interface WatchedFile {
  slot: number;
  /** Of the slot's use: a slot is used again for another file. */
  generation: number;
  fd: number;
  ino: number;
  tag: number;
}

/** Files that are watched at once; the others keep the size they were opened with. */
const SLOTS = 1024;

// Of each slot, in 32-bit numbers.
const FD = 0;
const GENERATION = 1;
const INO_LOW = 2;
const INO_HIGH = 3;
const TAG = 4;
const SHOWN = 5;
const NUMBERS = 6;

// Of each slot, in doubles, behind all of those.
const SIZE = 0;
const MTIME = 1;
const DOUBLES = 2;

const NONE = -1;
const LOW = 2 ** 32;

export function createOpenFileTable(): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(4 * SLOTS * NUMBERS + 8 * SLOTS * DOUBLES);
  const numbers = new Int32Array(shared, 0, SLOTS * NUMBERS);
  for (let slot = 0; slot < SLOTS; slot++) numbers[slot * NUMBERS + FD] = NONE;
  return shared;
}

export class OpenFileTable {
  readonly #numbers: Int32Array;
  readonly #doubles: Float64Array;
  /** The FUSE thread's; slots are taken from the end. */
  readonly #free = Array.from({ length: SLOTS }, (_, at) => SLOTS - 1 - at);

  constructor(shared: SharedArrayBuffer) {
    this.#numbers = new Int32Array(shared, 0, SLOTS * NUMBERS);
    this.#doubles = new Float64Array(shared, 4 * SLOTS * NUMBERS);
  }

  /** FUSE thread: a version is open from now on. Undefined when the table is full. */
  enter(fd: number, ino: number, tag: number): number | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const at = slot * NUMBERS;
    const generation = Atomics.add(this.#numbers, at + GENERATION, 1) + 1;
    this.#numbers[at + SHOWN] = generation - 1;
    this.#numbers[at + INO_LOW] = ino % LOW;
    this.#numbers[at + INO_HIGH] = Math.floor(ino / LOW);
    this.#numbers[at + TAG] = tag;
    Atomics.store(this.#numbers, at + FD, fd);
    return slot;
  }

  /** FUSE thread: to be called before the descriptor is closed. */
  leave(slot: number): void {
    Atomics.store(this.#numbers, slot * NUMBERS + FD, NONE);
    this.#free.push(slot);
  }

  /** FUSE thread: what the file has become since it was opened, as far as the kernel may know. */
  shown(slot: number): Version | undefined {
    const at = slot * NUMBERS;
    if (Atomics.load(this.#numbers, at + SHOWN) !== this.#numbers[at + GENERATION]) return undefined;
    const [size = 0, mtimeUs = 0] = this.#doubles.subarray(slot * DOUBLES, (slot + 1) * DOUBLES);
    return { size, mtimeUs };
  }

  /** Notify thread: the files that are open. */
  *watched(): Generator<WatchedFile> {
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = slot * NUMBERS;
      const fd = Atomics.load(this.#numbers, at + FD);
      if (fd === NONE) continue;
      const [, generation = 0, low = 0, high = 0, tag = 0] = this.#numbers.subarray(at, at + NUMBERS);
      yield { slot, generation, fd, ino: high * LOW + (low >>> 0), tag };
    }
  }

  /** Notify thread: is it still open? Only then is what was found out about its descriptor true. */
  isOpen({ slot, generation, fd }: WatchedFile): boolean {
    const at = slot * NUMBERS;
    return this.#numbers[at + GENERATION] === generation && Atomics.load(this.#numbers, at + FD) === fd;
  }

  /** Notify thread: the kernel has dropped what this contradicts. */
  show({ slot, generation }: WatchedFile, { size, mtimeUs }: Version): void {
    this.#doubles[slot * DOUBLES + SIZE] = size;
    this.#doubles[slot * DOUBLES + MTIME] = mtimeUs;
    Atomics.store(this.#numbers, slot * NUMBERS + SHOWN, generation);
  }
}
