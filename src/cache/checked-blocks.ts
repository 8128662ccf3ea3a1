/** Which blocks this thread has compared with their checksums already, of the blobs it read last. In memory. */
import { Intervals } from './intervals.js';

const MOST_BLOBS = 4_096;

interface Checked {
  blocks: Intervals;
  /** Of the blob's file, when it was whole then. */
  state: string | undefined;
}

export class CheckedBlocks {
  readonly #byBlob = new Map<number, Checked>();

  /**
   * Those of one blob, to be added to; none when the file of a whole blob was in another `state` the last time. The file of
   * one that is not whole, without a state, changes all the time.
   */
  of(id: number, state: string | undefined): Intervals {
    const known = this.#byBlob.get(id);
    const blocks = known !== undefined && known.state === state ? known.blocks : new Intervals();
    this.#byBlob.delete(id);
    this.#byBlob.set(id, { blocks, state });
    const [oldest] = this.#byBlob.keys();
    if (this.#byBlob.size > MOST_BLOBS && oldest !== undefined) this.#byBlob.delete(oldest);
    return blocks;
  }
}
