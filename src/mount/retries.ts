/**
 * Who was told ESTALE on opening a file. The kernel looks the name up once more and opens what it finds, once: should the
 * file have changed again in that moment, a second refusal would reach the program.
 */

/** A kernel that has not come back by now has given up. */
const AT_ONCE_MS = 1_000;

/** Threads that are remembered at a time. */
const MOST = 1_000;

export class Retries {
  readonly #refused = new Map<number, { ino: number; at: number }>();

  /** To be asked once for each opening that would be refused: was this thread refused this file a moment ago? */
  isRetry(pid: number, ino: number): boolean {
    const before = this.#refused.get(pid);
    const now = performance.now();
    this.#refused.delete(pid);
    if (before?.ino === ino && now - before.at < AT_ONCE_MS) return true;
    if (this.#refused.size >= MOST) this.#refused.clear();
    this.#refused.set(pid, { ino, at: now });
    return false;
  }
}
