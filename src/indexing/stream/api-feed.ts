/**
 * The API of MetaMesh, where its Redis answers nobody else (meta-core, docs/api-mediated-access.md). It tells the same:
 *
 *     GET /api/metadata/hash-ids   {"hashIds": […]}: the index
 *     GET /api/metadata/{id}       {"metadata": {…}}: all texts of one file, 404 where there are none
 *     GET /api/events/meta         the stream, each entry an event; see event-tail.ts
 */
import { z } from 'zod';
import { FacetError } from '../../errors.js';
import { ask } from '../../sources/http/client.js';
import { retried } from '../../sources/retry.js';
import { Connections, connectionError, discard, header, readText } from '../../sources/web/connections.js';
import { defaultTimeouts } from '../../sources/web/timeouts.js';
import { EventTail } from './event-tail.js';
import type { Feed, KnownEntry } from './feed.js';
import { BEGINNING, type StreamEntry } from './format.js';

/** Files that are asked for at once. */
const IDS_PER_BATCH = 1_000;

const LONGEST_FILE_BYTES = 16 * 1024 * 1024;
const LONGEST_INDEX_BYTES = 512 * 1024 * 1024;

const RETRY = { attempts: 3, firstWaitMs: 250, longestWaitMs: 5_000 };

/** The server sends something every 30 s. */
const SILENT_MS = 90_000;

/** When nothing has come for so long, all that there was has come: the server does not say so. */
const QUIET_MS = 500;
/** To let what belongs together come together. */
const GATHER_MS = 20;
/** Of those that are passed over. */
const ENTRIES_AT_ONCE = 10_000;
/** For the end of a stream that never stops. */
const LONGEST_DRAIN_MS = 10_000;

const index = z.object({ hashIds: z.array(z.string()) });
const file = z.object({ metadata: z.record(z.string(), z.string()) });

const PREFIX = 'file:';

export class ApiFeed implements Feed {
  readonly name: string;
  readonly #base: URL;
  readonly #signal: AbortSignal;
  readonly #connections = new Connections(defaultTimeouts);
  readonly #lasting = new Connections({ ...defaultTimeouts, idleMs: SILENT_MS, firstIdleMs: SILENT_MS });
  readonly #end = () => this.close();
  #tail: EventTail | undefined;

  /** `base` ends in a slash. Ended by `signal`. */
  constructor(base: URL, signal: AbortSignal) {
    this.name = base.href.replace(/\/$/, '');
    this.#base = base;
    this.#signal = signal;
    signal.addEventListener('abort', this.#end);
  }

  async texts(keys: readonly string[]): Promise<(string | null)[]> {
    const places = keys.map(placeOf);
    const files = new Map<string, Promise<Record<string, string>>>();
    for (const { id } of places) if (!files.has(id)) files.set(id, this.#textsOf(id));
    return Promise.all(places.map(async ({ id, property }) => (await files.get(id))?.[property] ?? null));
  }

  async #textsOf(id: string): Promise<Record<string, string>> {
    const answer = await this.#json(`api/metadata/${encodeURIComponent(id)}`, file, LONGEST_FILE_BYTES);
    return answer?.metadata ?? {};
  }

  async entries(after: string, count: number): Promise<StreamEntry[]> {
    return this.#take(await this.#tailAfter(after), count, QUIET_MS);
  }

  async nextEntries(after: string, count: number, waitMs: number): Promise<StreamEntry[]> {
    return this.#take(await this.#tailAfter(after), count, waitMs);
  }

  async #take(tail: EventTail, count: number, waitMs: number): Promise<StreamEntry[]> {
    try {
      return await tail.take(count, { waitMs, gatherMs: GATHER_MS });
    } catch (error) {
      throw connectionError(error, this.#base.origin, this.#signal);
    }
  }

  async holds(): Promise<boolean> {
    return this.#tail?.hasGap === false;
  }

  /** Only all that the stream has leads to its end. */
  async lastEntry(): Promise<KnownEntry> {
    const tail = await this.#open(BEGINNING);
    const until = performance.now() + LONGEST_DRAIN_MS;
    while ((await this.#take(tail, ENTRIES_AT_ONCE, QUIET_MS)).length > 0 && performance.now() < until);
    // What is missing before is nothing that is lost.
    tail.hasGap = false;
    return { id: tail.at, nth: undefined };
  }

  /** There is no way to write. */
  async mark(): Promise<void> {}

  /** A gap is told in the same words when Redis was emptied. */
  async isTrimmedPast(): Promise<boolean> {
    return false;
  }

  async *members(_: string, count: number): AsyncGenerator<string[]> {
    const path = 'api/metadata/hash-ids';
    const answer = await this.#json(path, index, LONGEST_INDEX_BYTES);
    if (answer === undefined) throw notMetaMesh(new URL(path, this.#base));
    const ids = answer.hashIds;
    for (let at = 0; at < ids.length; at += count) yield ids.slice(at, at + count);
  }

  async *keys(): AsyncGenerator<string[]> {
    for await (const ids of this.members('', IDS_PER_BATCH)) {
      const files = await Promise.all(ids.map(id => this.#textsOf(id)));
      yield files.flatMap((texts, nth) => Object.keys(texts).map(name => `${PREFIX}${ids[nth]}/${name}`));
    }
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#end);
    this.#tail?.close();
    for (const each of [this.#connections, this.#lasting]) void each.close();
  }

  /** Another one, unless it is the one that goes on from there: another process may have come further than this one. */
  async #tailAfter(after: string): Promise<EventTail> {
    return this.#tail?.at === after ? this.#tail : this.#open(after);
  }

  async #open(after: string): Promise<EventTail> {
    this.#tail?.close();
    this.#tail = undefined;
    const url = new URL('api/events/meta', this.#base);
    const headers = { accept: 'text/event-stream', 'last-event-id': after };
    const { answer } = await ask(this.#lasting, { method: 'GET', url, headers, signal: this.#signal });
    if (!header(answer, 'content-type')?.startsWith('text/event-stream')) {
      answer.body.destroy();
      throw notMetaMesh(url);
    }
    this.#tail = new EventTail(answer, after);
    return this.#tail;
  }

  /** Undefined where there is nothing. */
  #json<T>(path: string, schema: z.ZodType<T>, mostBytes: number): Promise<T | undefined> {
    const url = new URL(path, this.#base);
    const signal = this.#signal;
    const attempt = async () => {
      const { answer } = await ask(this.#connections, { method: 'GET', url, accept: [404], signal });
      if (answer.status !== 404) return await readText(answer, mostBytes);
      await discard(answer);
      return undefined;
    };
    const translated = () =>
      attempt().catch(error => Promise.reject(connectionError(error, url.origin, signal)));
    return retried(translated, RETRY, signal).then(text =>
      text === undefined ? undefined : parsed(text, schema, url),
    );
  }
}

function parsed<T>(text: string, schema: z.ZodType<T>, url: URL): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw notMetaMesh(url, error);
  }
}

function notMetaMesh({ href }: URL, cause?: unknown): FacetError {
  return new FacetError('failed', `${href} does not answer as MetaMesh does`, {
    cause,
    hint: 'check the address: that of the API, as kv-leader.info has it',
  });
}

/** `file:{id}/{property}` */
function placeOf(key: string): { id: string; property: string } {
  const slash = key.indexOf('/', PREFIX.length);
  return { id: key.slice(PREFIX.length, slash), property: key.slice(slash + 1) };
}
