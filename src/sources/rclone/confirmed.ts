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

/** The pieces. Throws what `confirm` throws, before any piece of another version. */
export async function* confirmed(
  pieces: AsyncIterable<Uint8Array>,
  confirm: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const asked: Asked[] = [];
  let held: Uint8Array[] = [];
  let bytes = 0;
  let most = FIRST_BYTES;
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes >= most) {
      asked.push(ask(held, confirm));
      [held, bytes, most] = [[], 0, Math.min(2 * most, MOST_BYTES)];
    }
    while (asked[0]?.isAnswered || asked.length > MOST_UNANSWERED) yield* answered(asked.shift());
  }
  if (held.length > 0) asked.push(ask(held, confirm));
  while (asked.length > 0) yield* answered(asked.shift());
}

/** Pieces that wait for an answer. */
interface Asked {
  pieces: readonly Uint8Array[];
  answer: Promise<void>;
  isAnswered: boolean;
}

function ask(pieces: readonly Uint8Array[], confirm: () => Promise<void>): Asked {
  const asked: Asked = { pieces, answer: confirm(), isAnswered: false };
  const note = () => {
    asked.isAnswered = true;
  };
  asked.answer.then(note, note);
  return asked;
}

async function* answered(asked: Asked | undefined): AsyncGenerator<Uint8Array> {
  await asked?.answer;
  yield* asked?.pieces ?? [];
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
