/**
 * How long a server is waited for. What was lost on the way is soon asked for again, for as long as the server is quick; one that
 * was slow a while ago gets the time that it may take.
 */
import type { Timeouts } from './timeouts.js';

export interface Waiting {
  /** For the beginning of an answer, and between two pieces of it. */
  patienceMs: number;
  isRead: boolean;
  since: number;
  /** When the server fell silent, where it has finished no answer from then until the request began. */
  silentSince: number | undefined;
}

export class Patience {
  readonly #timeouts: Timeouts;
  #slowUntil = 0;
  /** Undefined once it has finished an answer again. */
  #silentSince: number | undefined;

  constructor(timeouts: Timeouts) {
    this.#timeouts = timeouts;
  }

  /** For a request. What writes may take long, and is not to be given up before it is known what became of it. */
  begin(isRead: boolean): Waiting {
    const { idleMs, firstIdleMs } = this.#timeouts;
    const since = performance.now();
    const patienceMs = isRead && since >= this.#slowUntil ? firstIdleMs : idleMs;
    return { patienceMs, isRead, since, silentSince: this.#silentSince };
  }

  /** An answer begins. */
  answers({ isRead, since }: Waiting): void {
    const now = performance.now();
    if (isRead && now - since > this.#timeouts.firstIdleMs) this.#wasSlow(now);
  }

  /** One that only begins, again and again, is none. */
  finished(): void {
    this.#silentSince = undefined;
  }

  /** Returns whether this was the last attempt: the server was silent before it and all the while, for as long as it may be. */
  timedOut({ patienceMs, isRead, silentSince }: Waiting): boolean {
    const now = performance.now();
    const isSilent = silentSince !== undefined && silentSince === this.#silentSince;
    this.#silentSince ??= now;
    this.#wasSlow(now);
    return isRead && isSilent && patienceMs >= this.#timeouts.idleMs;
  }

  /** Not until the next quick answer: a server may be quick with one file, and slow with the one that is asked for again. */
  #wasSlow(now: number): void {
    this.#slowUntil = now + this.#timeouts.idleMs;
  }
}
