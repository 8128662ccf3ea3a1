/**
 * Bytes from a server that does not say which version they are of. A file that still has a version when they are there had it
 * all the while they were read; so they are held back until somebody who is asked afterwards says that it has.
 */

/** So many bytes are held back at first: not more, as a reader waits for them. */
const FIRST_BYTES = 1024 * 1024;
/** Each time twice as many, up to this: of a remote that is far away, a question takes long. */
const MOST_BYTES = 8 * 1024 * 1024;
/** What is waited for while more bytes come. */
const MOST_UNANSWERED = 2;

/**
 * The pieces, each as soon as it is confirmed. Throws what `confirm` throws, before any piece of another version, and what
 * `pieces` throws, behind those that came before. Who stops early does not wait for the piece that is to come next.
 */
export async function* confirmed(
  pieces: AsyncIterable<Uint8Array>,
  confirm: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const coming = pieces[Symbol.asyncIterator]();
  const held = new Held(confirm);
  try {
    for (;;) {
      yield* held.allBut(MOST_UNANSWERED);
      const next = coming.next().catch((error: unknown) => ({ error }));
      yield* held.before(next);
      const arrived = await next;
      if ('value' in arrived && !arrived.done) {
        held.add(arrived.value);
        continue;
      }
      held.ask();
      yield* held.allBut(0);
      if ('error' in arrived) throw arrived.error;
      return;
    }
  } finally {
    coming.return?.().catch(() => {});
  }
}

/** Pieces that wait for an answer. */
interface Asked {
  pieces: readonly Uint8Array[];
  answer: Promise<void>;
}

class Held {
  readonly #confirm: () => Promise<void>;
  /** The oldest first. */
  readonly #asked: Asked[] = [];
  /** Those that nobody was asked about. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #most = FIRST_BYTES;

  constructor(confirm: () => Promise<void>) {
    this.#confirm = confirm;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes < this.#most) return;
    this.ask();
    this.#most = Math.min(2 * this.#most, MOST_BYTES);
  }

  ask(): void {
    if (this.#bytes === 0) return;
    const answer = this.#confirm();
    // It may come when an error before it has ended all.
    answer.catch(() => {});
    this.#asked.push({ pieces: this.#pieces, answer });
    [this.#pieces, this.#bytes] = [[], 0];
  }

  /** What is confirmed, until so many questions are open. Throws what the answer to one of the others says. */
  async *allBut(questions: number): AsyncGenerator<Uint8Array> {
    while (this.#asked.length > questions) {
      const asked = this.#asked.shift();
      await asked?.answer;
      yield* asked?.pieces ?? [];
    }
  }

  /** What is confirmed before the next piece is there. */
  async *before(next: Promise<unknown>): AsyncGenerator<Uint8Array> {
    while (this.#asked[0] && (await isFirst(this.#asked[0].answer, next))) {
      yield* this.allBut(this.#asked.length - 1);
    }
  }
}

function isFirst(one: Promise<unknown>, other: Promise<unknown>): Promise<boolean> {
  const settles = () => true;
  return Promise.race([one.then(settles, settles), other.then(() => false)]);
}

/** Questions about one thing at a time. */
const MOST_QUESTIONS = 2;

/** A few questions at a time about each thing: who asks meanwhile shares the next one with all who do. */
export class SharedQuestions<Answer> {
  readonly #ask: (about: string) => Promise<Answer>;
  readonly #asked = new Map<string, Set<Promise<Answer>>>();
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
    const asked = this.#asked.get(about) ?? new Set();
    this.#asked.set(about, asked);
    if (asked.size >= MOST_QUESTIONS) await Promise.race(asked).catch(() => {});
    // All who ask in this moment are to share it.
    else await Promise.resolve();
    this.#next.delete(about);
    const question = this.#ask(about);
    asked.add(question);
    try {
      return await question;
    } finally {
      asked.delete(question);
      if (asked.size === 0 && !this.#next.has(about)) this.#asked.delete(about);
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
