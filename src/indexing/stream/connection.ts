/**
 * Two connections to one Redis: one that asks, and one that waits for events as soon as somebody does. They never come back
 * by themselves: when one is lost, every call throws, and whoever follows the stream connects anew, perhaps to another server.
 */
import type { Redis } from 'ioredis';
import { lazyPackage } from '../../config/lazy-package.js';
import { errorMessage, FacetError } from '../../errors.js';
import type { RedisPlace } from '../../sources/redis-uri.js';
import { EVENTS, type StreamEntry } from './format.js';
import { type FoundRedis, findRedis } from './leader.js';

const ioredis = lazyPackage<typeof import('ioredis')>('ioredis');

/** Before the first entry of any stream. */
export const BEGINNING = '0-0';

/** Keys that one command asks for: Redis serves nobody else meanwhile. */
const KEYS_PER_COMMAND = 1_000;

/** Keys that one command looks at. */
const KEYS_PER_SCAN = 10_000;

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that is busy or paused for longer is taken for lost. */
const ANSWER_TIMEOUT_MS = 30_000;

export class Connection {
  /** Where it is, for messages. */
  readonly name: string;
  readonly #asking: Redis;
  readonly #waiting: Redis;
  readonly #failures: Failures;

  private constructor(name: string, asking: Redis, waiting: Redis, failures: Failures) {
    this.name = name;
    this.#asking = asking;
    this.#waiting = waiting;
    this.#failures = failures;
  }

  /** Throws `unreachable`, `denied` or `usage`; ended by `signal`, which ends the connections too. */
  static async open(place: RedisPlace, signal: AbortSignal): Promise<Connection> {
    const found = await findRedis(place, signal);
    const failures = new Failures(found.name);
    const [asking, waiting] = [createClient(found), createClient(found)];
    for (const client of [asking, waiting]) client.on('error', error => failures.note(error));
    const connection = new Connection(found.name, asking, waiting, failures);
    const end = () => connection.close();
    signal.addEventListener('abort', end, { once: true });
    asking.once('end', () => signal.removeEventListener('abort', end));
    try {
      await connection.#try(() => asking.connect());
      signal.throwIfAborted();
      return connection;
    } catch (error) {
      connection.close();
      signal.throwIfAborted();
      throw error;
    }
  }

  /** The texts under these keys, in their order. */
  async texts(keys: readonly string[]): Promise<(string | null)[]> {
    const commands: Promise<(string | null)[]>[] = [];
    for (let at = 0; at < keys.length; at += KEYS_PER_COMMAND) {
      commands.push(this.#asking.mget(keys.slice(at, at + KEYS_PER_COMMAND)));
    }
    return this.#try(async () => (await Promise.all(commands)).flat());
  }

  /** The entries after this one, at most `count`. */
  async entries(after: string, count: number): Promise<StreamEntry[]> {
    return this.#try(async () =>
      entriesIn(await this.#asking.xread('COUNT', count, 'STREAMS', EVENTS, after)),
    );
  }

  /** As `entries`; waits for the first one, but no longer than `waitMs`. */
  async nextEntries(after: string, count: number, waitMs: number): Promise<StreamEntry[]> {
    // A peer that is gone without a word would be waited for forever.
    const lost = setTimeout(() => this.close(), waitMs + ANSWER_TIMEOUT_MS);
    try {
      return await this.#try(async () => {
        if (this.#waiting.status === 'wait') await this.#waiting.connect();
        return entriesIn(
          await this.#waiting.xread('COUNT', count, 'BLOCK', waitMs, 'STREAMS', EVENTS, after),
        );
      });
    } finally {
      clearTimeout(lost);
    }
  }

  /** Does the stream still go on from this entry? Otherwise what came after it may be lost. */
  async holds(id: string): Promise<boolean> {
    return this.#try(async () => {
      const [found, last] = await Promise.all([
        this.#asking.xrange(EVENTS, id, id, 'COUNT', 1),
        this.#lastEntry(),
      ]);
      return found.length > 0 || last === id;
    });
  }

  /** The newest entry that there ever was. */
  async lastEntry(): Promise<string> {
    return this.#try(() => this.#lastEntry());
  }

  async #lastEntry(): Promise<string> {
    try {
      const told = await this.#asking.xinfo('STREAM', EVENTS);
      const at = Array.isArray(told) ? told.indexOf('last-generated-id') : -1;
      return Array.isArray(told) && at >= 0 ? String(told[at + 1]) : BEGINNING;
    } catch (error) {
      if (/no such key/i.test(errorMessage(error))) return BEGINNING;
      throw error;
    }
  }

  /** Every member of a set that is in it all the time, in batches of about `count`; one may be in two of them. */
  async *members(set: string, count: number): AsyncGenerator<string[]> {
    for (let cursor = '0'; ; ) {
      const [next, members] = await this.#try(() => this.#asking.sscan(set, cursor, 'COUNT', count));
      if (members.length > 0) yield [...new Set(members)];
      if (next === '0') return;
      cursor = next;
    }
  }

  /** All keys that match, in batches. Looks at every key of the database. */
  async *keys(pattern: string): AsyncGenerator<string[]> {
    for (let cursor = '0'; ; ) {
      const [next, keys] = await this.#try(() =>
        this.#asking.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_SCAN),
      );
      if (keys.length > 0) yield keys;
      if (next === '0') return;
      cursor = next;
    }
  }

  close(): void {
    this.#asking.disconnect();
    this.#waiting.disconnect();
  }

  async #try<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failures.translate(error);
    }
  }
}

function createClient({ place, password }: FoundRedis): Redis {
  const { Redis } = ioredis();
  const { tls, username, db } = place;
  const options = {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  if (place.kind === 'server') return new Redis({ ...options, ...place.at });
  return new Redis({
    ...options,
    ...{ sentinels: place.hosts, name: place.group, sentinelRetryStrategy: () => null },
    enableTLSForSentinelMode: tls,
  });
}

/** What went wrong is told by an event, and the call that fails for it says only that the connection is closed. */
class Failures {
  readonly #name: string;
  #last: unknown;

  constructor(name: string) {
    this.#name = name;
  }

  note(error: unknown): void {
    this.#last = error;
  }

  translate(error: unknown): unknown {
    const message = errorMessage(error);
    const cause = /closed|writable|retries|offline queue/i.test(message) ? (this.#last ?? error) : error;
    const why = errorMessage(cause) || 'no connection';
    if (/^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password)|unauthenticated/i.test(why)) {
      return new FacetError('denied', `${this.#name} refuses: ${why}`, {
        cause,
        hint: 'put the password into FACET_REDIS_PASSWORD, and a user name before the host: redis://user@host',
      });
    }
    if (/^(WRONGTYPE|ERR) /.test(why)) {
      return new FacetError('failed', `${this.#name} does not answer as a catalog of MetaMesh: ${why}`, {
        cause,
        hint: 'check the address, the number of the database and --key-prefix',
      });
    }
    return new FacetError('unreachable', `cannot reach ${this.#name}: ${why}`, {
      cause,
      hint: 'check that Redis runs and the address is right; what the catalog knows is kept',
    });
  }
}

function entriesIn(answer: unknown): StreamEntry[] {
  if (!Array.isArray(answer)) return [];
  const [stream] = answer;
  const entries: unknown = Array.isArray(stream) ? stream[1] : undefined;
  return Array.isArray(entries) ? entries.map(entryOf) : [];
}

function entryOf(entry: unknown): StreamEntry {
  const [id, texts] = Array.isArray(entry) ? entry : [];
  return { id: String(id), fields: Array.isArray(texts) ? texts.map(String) : [] };
}
