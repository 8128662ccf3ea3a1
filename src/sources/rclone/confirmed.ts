/**
 * Bytes from a server that does not say which version they are of. A file that still has a version when they are there had it
 * all the while they were read; so they are held back until somebody who is asked afterwards says that it has.
 */

/** So many bytes are held back at first: not more, as a reader waits for them. */
const FIRST_BYTES = 1024 * 1024;
/** Each time twice as many, up to this: of a remote that is far away, a question takes long. */
const MOST_BYTES = 8 * 1024 * 1024;

/** The pieces. Throws what `confirm` throws, before any piece of another version. */
export async function* confirmed(
  pieces: AsyncIterable<Uint8Array>,
  confirm: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  let most = FIRST_BYTES;
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < most) continue;
    await confirm();
    yield* held;
    [held, bytes, most] = [[], 0, Math.min(2 * most, MOST_BYTES)];
  }
  if (held.length === 0) return;
  await confirm();
  yield* held;
}

/** One question at a time about each thing: who asks meanwhile shares the next one with all who do. */
export class SharedQuestions<Answer> {
  readonly #ask: (about: string) => Promise<Answer>;
  readonly #asked = new Map<string, Promise<Answer>>();
  readonly #next = new Map<string, Promise<Answer>>();

  constructor(ask: (about: string) => Promise<Answer>) {
    this.#ask = ask;
  }

  /** What is true after this moment. Throws what the question throws, or the signal's reason. */
  async ask(about: string, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const next = this.#next.get(about) ?? this.#askNext(about);
    this.#next.set(about, next);
    return unlessAborted(next, signal);
  }

  async #askNext(about: string): Promise<Answer> {
    await this.#asked.get(about)?.catch(() => {});
    this.#next.delete(about);
    const asked = this.#ask(about);
    this.#asked.set(about, asked);
    try {
      return await asked;
    } finally {
      if (this.#asked.get(about) === asked) this.#asked.delete(about);
    }
  }
}

/** Others may wait for the same. */
function unlessAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    void answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
