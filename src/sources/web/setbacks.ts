/**
 * What of a listing fails while the rest can be had: that is told as unreadable, and the listing goes on. When one thing after
 * another fails in a way that may be over in a moment, it is the server that is away, and the listing ends.
 */
import { FacetError } from '../../errors.js';
import { TransientError } from './transient.js';

/** Each after all its attempts. */
const MOST_IN_A_ROW = 8;

export class Setbacks {
  #inARow = 0;

  /** The server answers. */
  succeeded(): void {
    this.#inARow = 0;
  }

  /** Why something could not be listed, for `Unreadable`. Throws the error when there is more behind it. */
  reasonOf(error: unknown, signal: AbortSignal): string {
    if (signal.aborted || !(error instanceof FacetError) || error.code === 'interrupted') throw error;
    this.#inARow = error instanceof TransientError ? this.#inARow + 1 : 0;
    if (this.#inARow >= MOST_IN_A_ROW) throw error;
    const known = `cannot read ${error.path}: `;
    return error.message.startsWith(known) ? error.message.slice(known.length) : error.message;
  }
}
