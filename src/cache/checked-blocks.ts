/** Which blocks this thread has compared with their checksums already, of the blobs it read last. In memory. */
import { Intervals } from './intervals.js';

const MOST_BLOBS = 4_096;

export class CheckedBlocks {
  readonly #byBlob = new Map<number, Intervals>();

  /** Those of one blob, to be added to. */
  of(id: number): Intervals {
    const known = this.#byBlob.get(id) ?? new Intervals();
    this.#byBlob.delete(id);
    this.#byBlob.set(id, known);
    const [oldest] = this.#byBlob.keys();
    if (this.#byBlob.size > MOST_BLOBS && oldest !== undefined) this.#byBlob.delete(oldest);
    return known;
  }
}
