/**
 * A token bucket over all downloads (`--limit-rate`). A chunk that has arrived is taken when there is at least one token,
 * and the bucket may be in debt for the rest: so chunks of any size keep to the rate on the average.
 */

interface Waiter {
  rank: number;
  bytes: number;
  go: () => void;
}

/** Unused tokens are kept for as long. */
const BURST_MS = 100;

export class RateLimit {
  readonly #perMs: number;
  readonly #waiting: Waiter[] = [];
  #tokens: number;
  #countedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(bytesPerSecond: number) {
    this.#perMs = bytesPerSecond / 1000;
    this.#tokens = this.#perMs * BURST_MS;
  }

  /** Resolves when these bytes may be taken, or the signal fires: the lowest rank first, each in its turn. */
  async take(bytes: number, rank: number, signal: AbortSignal): Promise<void> {
    this.#fill();
    if (this.#waiting.length === 0 && this.#tokens > 0) {
      this.#tokens -= bytes;
      return;
    }
    await this.#wait(bytes, rank, signal);
  }

  #wait(bytes: number, rank: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        this.#setTimer();
        resolve();
      };
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiter = { rank, bytes, go };
      this.#enqueue(waiter);
      signal.addEventListener('abort', leave, { once: true });
      this.#setTimer();
    });
  }

  #enqueue(waiter: Waiter): void {
    const behind = this.#waiting.findIndex(other => other.rank > waiter.rank);
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, waiter);
  }

  #fill(): void {
    const now = performance.now();
    this.#tokens = Math.min(this.#tokens + (now - this.#countedAt) * this.#perMs, this.#perMs * BURST_MS);
    this.#countedAt = now;
  }

  #serve(): void {
    this.#fill();
    while (this.#tokens > 0) {
      const waiter = this.#waiting.shift();
      if (!waiter) break;
      this.#tokens -= waiter.bytes;
      waiter.go();
    }
    this.#setTimer();
  }

  /** One timer while somebody waits, and none otherwise. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => this.#serve(), Math.max(1, -this.#tokens / this.#perMs));
  }
}
