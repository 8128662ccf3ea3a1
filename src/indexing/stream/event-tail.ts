/**
 * The entries of a stream as server-sent events (HTML Standard, 9.2): `id` is that of the entry, `event` its `type`, `data` the
 * other fields as JSON. An event `gap` comes first where entries after the one that was asked for are missing.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { FacetError } from '../../errors.js';
import type { WebAnswer } from '../../sources/web/connections.js';
import type { StreamEntry } from './format.js';

/** Longer ones are none of MetaMesh. */
const LONGEST_EVENT = 1024 * 1024;

export interface Patience {
  /** For the first entry. */
  waitMs: number;
  /** After the first one, for those that come with it. */
  gatherMs: number;
}

export class EventTail {
  /** The entry that was taken last, or the one that was asked for. */
  at: string;
  hasGap = false;
  readonly #answer: WebAnswer;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({ onEvent: event => this.#note(event), maxBufferSize: LONGEST_EVENT });
  readonly #waiting: StreamEntry[] = [];
  /** Under way, or come: a wait for it that is over leaves it to the next one. */
  #isAsked = false;
  #come: Promise<IteratorResult<Uint8Array>> | undefined;
  /** Ends the wait that is under way. */
  #over = new AbortController();

  constructor(answer: WebAnswer, after: string) {
    this.at = after;
    this.#answer = answer;
    this.#pieces = answer.body[Symbol.asyncIterator]();
  }

  /** What nobody takes stays with the server. Throws what ended the connection. */
  async take(count: number, { waitMs, gatherMs }: Patience): Promise<StreamEntry[]> {
    let until = performance.now() + waitMs;
    while (this.#waiting.length < count) {
      const before = this.#waiting.length;
      if (!(await this.#receive(until - performance.now()))) break;
      if (before === 0 && this.#waiting.length > 0) until = performance.now() + gatherMs;
    }
    const taken = this.#waiting.splice(0, count);
    this.at = taken.at(-1)?.id ?? this.at;
    return taken;
  }

  close(): void {
    this.#answer.body.destroy();
  }

  /** Returns whether something came in time. */
  async #receive(withinMs: number): Promise<boolean> {
    if (!this.#isAsked) this.#ask();
    if (this.#come === undefined) {
      this.#over = new AbortController();
      await wait(Math.max(0, withinMs), undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
    if (this.#come === undefined) return false;
    const piece = await this.#come;
    if (piece.done)
      throw new FacetError('unreachable', 'MetaMesh tells no more events: it has closed the connection');
    this.#isAsked = false;
    this.#come = undefined;
    this.#parser.feed(this.#decoder.decode(piece.value, { stream: true }));
    return true;
  }

  /** Listens once for each piece, not for each wait: a promise keeps whoever waits for it until it is settled. */
  #ask(): void {
    this.#isAsked = true;
    const next = this.#pieces.next();
    const tell = () => {
      this.#come = next;
      this.#over.abort();
    };
    next.then(tell, tell);
  }

  #note({ id, event, data }: EventSourceMessage): void {
    if (event === 'gap') this.hasGap = true;
    if (id === undefined) return;
    this.#waiting.push({ id, fields: ['type', event ?? '', ...textsIn(data)] });
  }
}

/** None of what is no JSON object: the entry is counted, and tells nothing. */
function textsIn(data: string): string[] {
  try {
    const fields: unknown = JSON.parse(data);
    return Object.entries(fields ?? {}).flatMap(([name, value]) => [name, String(value)]);
  } catch {
    return [];
  }
}
