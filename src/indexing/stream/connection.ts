/**
 * Two connections to one Redis: one that asks, and one that waits for events as soon as somebody does. They never come back
 * by themselves: when one is lost, every call throws, and whoever follows the stream connects anew, perhaps to another server.
 */
import { errorMessage, FacetError } from '../../errors.js';
import { decodeName } from '../../sources/file-names.js';
import type { Feed, KnownEntry } from './feed.js';
import { BEGINNING, EVENTS, isPath, type StreamEntry } from './format.js';
import type { FoundRedis } from './leader.js';
import { connected, createClient, type RedisClient, reasonOf, serversOf } from './redis-client.js';

/** Keys that one command asks for: Redis serves nobody else meanwhile. */
const KEYS_PER_COMMAND = 1_000;

/** Keys that one command looks at. */
const KEYS_PER_SCAN = 10_000;

/** What a decoded text has for bytes that are no UTF-8, or has itself. */
const NOT_UTF8 = '\ufffd';

/** Marks of those who do not come back go by themselves. */
const MARK_SECONDS = 365 * 86_400;

const MARK = `
  if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) > 0 then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) end`;

const SET_WHERE = `
  if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], unpack(ARGV, 3))
  return 1`;

interface StreamInfo {
  id: string;
  /** Ever; undefined for a Redis before 7.0. */
  added: number | undefined;
  /** Entries that it has now. */
  length: number;
}

/** A command that writes, with its arguments. */
export type Command = readonly [name: string, ...args: (string | number)[]];

export class Connection implements Feed {
  readonly name: string;
  readonly #asking: RedisClient;
  readonly #waiting: RedisClient;
  readonly #failures: Failures;

  private constructor(name: string, asking: RedisClient, waiting: RedisClient, failures: Failures) {
    this.name = name;
    this.#asking = asking;
    this.#waiting = waiting;
    this.#failures = failures;
  }

  /** Throws `unreachable`, `denied` or `usage`; ended by `signal`, which ends the connections too. */
  static async open(found: FoundRedis, signal: AbortSignal): Promise<Connection> {
    const failures = new Failures(found.name);
    const [asking, waiting] = [createClient(found), createClient(found)];
    for (const client of [asking, waiting]) client.on('error', error => failures.note(error));
    const connection = new Connection(found.name, asking, waiting, failures);
    const end = () => connection.close();
    signal.addEventListener('abort', end, { once: true });
    asking.once('end', () => signal.removeEventListener('abort', end));
    try {
      await connection.#try(() => connected(asking));
      signal.throwIfAborted();
      return connection;
    } catch (error) {
      connection.close();
      signal.throwIfAborted();
      throw error;
    }
  }

  async texts(keys: readonly string[]): Promise<(string | null)[]> {
    return this.#try(async () => {
      const texts = await this.#textsOf(keys);
      const odd: number[] = [];
      // Hardly any text is odd, and to look at its key costs more.
      for (let nth = 0; nth < texts.length; nth++) {
        if (texts[nth]?.includes(NOT_UTF8) && isPath(keys[nth] ?? '')) odd.push(nth);
      }
      const paths = await Promise.all(odd.map(nth => this.#pathAt(keys[nth] ?? '')));
      for (const [at, nth] of odd.entries()) texts[nth] = paths[at] ?? null;
      return texts;
    });
  }

  /** As the catalog has names of a file system: bytes that are no UTF-8 are characters of their own. */
  async #pathAt(key: string): Promise<string | null> {
    const bytes = await this.#asking.getBuffer(key);
    return bytes && decodeName(bytes);
  }

  async #textsOf(keys: readonly string[]): Promise<(string | null)[]> {
    const client = this.#asking;
    // One command is for one server.
    if (client.isCluster) return Promise.all(keys.map(key => client.get(key)));
    const commands: Promise<(string | null)[]>[] = [];
    for (let at = 0; at < keys.length; at += KEYS_PER_COMMAND) {
      commands.push(client.mget(keys.slice(at, at + KEYS_PER_COMMAND)));
    }
    return (await Promise.all(commands)).flat();
  }

  async entries(after: string, count: number): Promise<StreamEntry[]> {
    return this.#try(async () =>
      entriesIn(await this.#asking.xread('COUNT', count, 'STREAMS', EVENTS, after)),
    );
  }

  async nextEntries(after: string, count: number, waitMs: number): Promise<StreamEntry[]> {
    return this.#try(async () => {
      if (this.#waiting.status === 'wait') await connected(this.#waiting);
      return entriesIn(await this.#waiting.xread('COUNT', count, 'BLOCK', waitMs, 'STREAMS', EVENTS, after));
    });
  }

  async holds(id: string): Promise<boolean> {
    return this.#try(async () => {
      const [found, last] = await Promise.all([
        this.#asking.xrange(EVENTS, id, id, 'COUNT', 1),
        this.#stream(),
      ]);
      return found.length > 0 || last.id === id;
    });
  }

  async lastEntry(): Promise<KnownEntry> {
    return this.#try(async () => {
      const { id, added } = await this.#stream();
      return { id, nth: added };
    });
  }

  /**
   * One step with a look at the entry, as Redis may be emptied before the next one. Redis refuses where it is only to be read,
   * and in a cluster, each of whose servers may lose its past alone. That the connection is lost is told by the next call.
   */
  async mark(key: string, id: string): Promise<void> {
    await this.#asking.eval(MARK, 2, EVENTS, key, id, MARK_SECONDS).catch(() => {});
  }

  async isTrimmedPast({ id, nth = 1 }: KnownEntry, key: string): Promise<boolean> {
    return this.#try(async () => {
      const [marked, { added, length }] = await Promise.all([this.#asking.get(key), this.#stream()]);
      return marked === id && added !== undefined && added - length >= nth;
    });
  }

  async #stream(): Promise<StreamInfo> {
    try {
      return streamIn(await this.#asking.xinfo('STREAM', EVENTS));
    } catch (error) {
      if (/no such key/i.test(errorMessage(error))) return { id: BEGINNING, added: 0, length: 0 };
      throw error;
    }
  }

  async *members(set: string, count: number): AsyncGenerator<string[]> {
    for (let cursor = '0'; ; ) {
      const [next, members] = await this.#try(() => this.#asking.sscan(set, cursor, 'COUNT', count));
      if (members.length > 0) yield [...new Set(members)];
      if (next === '0') return;
      cursor = next;
    }
  }

  /** Looks at every key of the database. */
  async *keys(pattern: string): AsyncGenerator<string[]> {
    for (const server of serversOf(this.#asking)) yield* this.#keysOf(server, pattern);
  }

  async *#keysOf(server: RedisClient, pattern: string): AsyncGenerator<string[]> {
    for (let cursor = '0'; ; ) {
      const [next, keys] = await this.#try(() =>
        server.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_SCAN),
      );
      if (keys.length > 0) yield keys;
      if (next === '0') return;
      cursor = next;
    }
  }

  async hash(key: string): Promise<Record<string, string>> {
    return this.#try(() => this.#asking.hgetall(key));
  }

  /** Redis's own clock, ms since the epoch: the same one for everybody who asks. */
  async now(): Promise<number> {
    const [seconds, microseconds] = await this.#try(() => this.#asking.time());
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }

  /** All of these commands at once: nobody sees a part of them, and when the connection is lost, all were done or none. */
  async change(commands: readonly Command[]): Promise<void> {
    await this.#try(async () => {
      const transaction = this.#asking.multi(commands.map(each => [...each])).exec();
      for (const [error] of (await transaction.catch(throwFirst)) ?? []) if (error) throw error;
    });
  }

  /** Sets texts of a hash if `field` is what is expected; undefined: not there. Returns whether it was. */
  async setWhere(
    key: string,
    field: string,
    expected: string | undefined,
    texts: Readonly<Record<string, string | number>>,
  ): Promise<boolean> {
    return (await this.run(SET_WHERE, [key], [field, expected ?? '', ...Object.entries(texts).flat()])) === 1;
  }

  /** Runs a script in Lua, which nobody sees a part of. */
  async run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#try(() => this.#asking.eval(script, keys.length, ...keys, ...args));
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

/** A transaction is refused because of one of its commands: that one's error says why. */
function throwFirst(error: unknown): never {
  const [first]: unknown[] =
    error instanceof Error && 'previousErrors' in error && Array.isArray(error.previousErrors)
      ? error.previousErrors
      : [];
  throw first ?? error;
}

const GIVE_PASSWORD =
  'put the password into FACET_REDIS_PASSWORD, or into a file that FACET_REDIS_PASSWORD_FILE names; a user name comes before the host: redis://user@host';

const REFUSALS: readonly { says: RegExp; message?: string; hint: string }[] = [
  { says: /^NOAUTH|unauthenticated/i, message: 'asks for a password', hint: GIVE_PASSWORD },
  {
    says: /^(WRONGPASS|ERR invalid password)/i,
    message: 'refuses the password, or the user name',
    hint: GIVE_PASSWORD,
  },
  { says: /^NOPERM/, hint: 'give the user these permissions, or name another one: redis://user@host' },
];

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
    const why = reasonOf(cause) || 'no connection';
    const refusal = REFUSALS.find(({ says }) => says.test(why));
    if (refusal) {
      const message = `${this.#name} ${refusal.message ?? `refuses: ${why}`}`;
      return new FacetError('denied', message, { cause, hint: refusal.hint });
    }
    if (/^(WRONGTYPE|ERR) /.test(why)) {
      return new FacetError('failed', `${this.#name} does not answer as a catalog of MetaMesh: ${why}`, {
        cause,
        hint: 'check the address, the number of the database and --key-prefix',
      });
    }
    if (/^(OOM|READONLY|MISCONF|NOREPLICAS) /.test(why)) {
      return new FacetError('failed', `${this.#name} cannot be written: ${why.replace(/ script: .*/, '')}`, {
        cause,
        hint: 'it has to have memory and disk for what is published, and be no replica',
      });
    }
    return new FacetError('unreachable', `cannot reach ${this.#name}: ${why}`, {
      cause,
      hint: 'check that Redis runs and the address is right; what the catalog knows is kept',
    });
  }
}

/** Names and values in turn. */
function streamIn(told: unknown): StreamInfo {
  const field = (name: string): unknown =>
    Array.isArray(told) && told.includes(name) ? told[told.indexOf(name) + 1] : undefined;
  const added = field('entries-added');
  return {
    id: String(field('last-generated-id') ?? BEGINNING),
    added: added === undefined ? undefined : Number(added),
    length: Number(field('length') ?? 0),
  };
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
