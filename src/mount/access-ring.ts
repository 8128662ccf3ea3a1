/**
 * Which files were opened through the mount, in memory that two threads share: the FUSE thread writes down a number and goes on,
 * the main thread collects them every second. When it does not come in time, the latest are left out.
 */

/** More than can be opened in a second. */
const SLOTS = 2 ** 16;

const WRITTEN = 0;
const TAKEN = 1;
const COUNTERS_BYTES = 8;

export function createAccessRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNTERS_BYTES + 8 * SLOTS);
}

export class AccessRing {
  readonly #counters: Int32Array;
  readonly #inodes: Float64Array;

  constructor(shared: SharedArrayBuffer) {
    this.#counters = new Int32Array(shared, 0, 2);
    this.#inodes = new Float64Array(shared, COUNTERS_BYTES);
  }

  /** FUSE thread. */
  add(ino: number): void {
    const written = Atomics.load(this.#counters, WRITTEN);
    // In 32 bits, as the counters are when they run over.
    if (((written - Atomics.load(this.#counters, TAKEN)) | 0) >= SLOTS) return;
    this.#inodes[slotOf(written)] = ino;
    Atomics.store(this.#counters, WRITTEN, written + 1);
  }

  /** Main thread: those that were added since. */
  *take(): Generator<number> {
    const written = Atomics.load(this.#counters, WRITTEN);
    let taken = Atomics.load(this.#counters, TAKEN);
    for (; taken !== written; taken = (taken + 1) | 0) yield this.#inodes[slotOf(taken)] ?? 0;
    Atomics.store(this.#counters, TAKEN, taken);
  }
}

function slotOf(counter: number): number {
  return counter & (SLOTS - 1);
}
