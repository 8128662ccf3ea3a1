/**
 * What a catalog has in a Redis: its files, and how far its change log is in there. All of it is in Redis, so whatever Redis
 * loses, it is known what it still has. Files are compared with what Redis has of them: only what differs is written and
 * announced, and to put a file twice changes nothing. Knows nothing of the catalog.
 *
 *     {prefix}outbox:{identity}    hash: position, and properties: the names of all that a file may have there
 */
import type { Connection } from './connection.js';
import { EVENTS, Keys, publishedFile, publishedId } from './format.js';
import { ALWAYS_TOLD } from './told-texts.js';

/** Keys that are written at once, at most: Redis serves nobody else meanwhile. */
const KEYS_PER_CHANGE = 10_000;

/** Files of everybody that are asked for at once. */
const IDS_PER_BATCH = 10_000;

/** Events that the stream keeps, about; who was away for longer looks at all files. */
const STREAM_LENGTH = 1_000_000;

/** A command for Redis. `set` and `del` are announced: after them, so that whoever reads the event finds the text. */
interface Change {
  kind: 'set' | 'del' | 'sadd' | 'srem';
  key: string;
  text: string;
}

/** One command for all changes takes half the time of one for each. */
const CHANGE = `
  for at = 2, #KEYS do
    local kind, key, text = ARGV[2 * at - 1], KEYS[at], ARGV[2 * at]
    if kind == 'del' then redis.call('del', key) else redis.call(kind, key, text) end
    if kind == 'set' or kind == 'del' then
      redis.call('xadd', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'type', kind, 'key', key, 'ts', ARGV[1])
    end
  end`;

/** A file as it is to be in Redis. */
export interface PublishedFile {
  fileId: number;
  /** None: the file is not to be there. */
  texts: ReadonlyMap<string, string>;
}

export const NO_TEXTS: ReadonlyMap<string, string> = new Map();

export interface PublishedFilesOptions {
  connection: Connection;
  keyPrefix: string;
  /** Of the catalog. */
  identity: string;
  signal: AbortSignal;
}

export class PublishedFiles {
  readonly #options: PublishedFilesOptions;
  readonly #keys: Keys;
  readonly #outbox: string;
  /** Never fewer than Redis knows of, or a text could be left behind. */
  readonly #names = new Set<string>(ALWAYS_TOLD);

  constructor(options: PublishedFilesOptions) {
    this.#options = options;
    this.#keys = new Keys(options.keyPrefix, options.identity);
    this.#outbox = `${options.keyPrefix}outbox:${options.identity}`;
  }

  /** As it was set last; undefined where Redis has none. */
  async position(): Promise<string | undefined> {
    const { position, properties } = await this.#options.connection.hash(this.#outbox);
    for (const name of namesIn(properties)) this.#names.add(name);
    return position;
  }

  async begin(position: string): Promise<void> {
    const fields = ['position', position, 'properties', JSON.stringify([...this.#names])];
    await this.#options.connection.change([['hset', this.#outbox, ...fields]]);
  }

  /** Changes nothing when the position is another one by now: Redis was emptied or restored, and lacks what was put before. */
  async move(from: string, to: string): Promise<void> {
    await this.#options.connection.setWhere(this.#outbox, 'position', from, { position: to });
  }

  /** Throws the signal's reason. */
  async put(files: readonly PublishedFile[]): Promise<void> {
    await this.#rememberNames(files);
    const step = Math.max(1, Math.floor(KEYS_PER_CHANGE / this.#names.size));
    for (let at = 0; at < files.length; at += step) {
      this.#options.signal.throwIfAborted();
      const changes = await this.#differences(files.slice(at, at + step));
      const keys = [EVENTS, ...changes.map(({ key }) => key)];
      const args = [Date.now(), STREAM_LENGTH, ...changes.flatMap(({ kind, text }) => [kind, text])];
      if (changes.length > 0) await this.#options.connection.run(CHANGE, keys, args);
    }
  }

  /** Before the first text of a name is written, or nobody would know that it is there. */
  async #rememberNames(files: readonly PublishedFile[]): Promise<void> {
    const before = this.#names.size;
    for (const { texts } of files) for (const name of texts.keys()) this.#names.add(name);
    if (this.#names.size === before) return;
    const names = JSON.stringify([...this.#names]);
    await this.#options.connection.change([['hset', this.#outbox, 'properties', names]]);
  }

  async #differences(files: readonly PublishedFile[]): Promise<Change[]> {
    const names = [...this.#names];
    const ids = files.map(({ fileId }) => this.#idOf(fileId));
    const keys = this.#keys.of(ids, names);
    const had = await this.#options.connection.texts(keys);
    return files.flatMap(({ fileId, texts }, nth) => {
      const changes = names.flatMap((name, at) => {
        const own = nth * names.length + at;
        return changeOf(keys[own] ?? '', had[own] ?? null, texts.get(name) ?? null);
      });
      const kind = texts.size > 0 ? 'sadd' : 'srem';
      return [...changes, { kind, key: this.#keys.index, text: this.#idOf(fileId) }];
    });
  }

  #idOf(fileId: number): string {
    return publishedId(this.#options.identity, fileId);
  }

  /** The files that Redis has, in batches. Throws the signal's reason. */
  async *fileIds(): AsyncGenerator<number[]> {
    const { connection, identity, signal } = this.#options;
    for await (const ids of connection.members(this.#keys.index, IDS_PER_BATCH)) {
      signal.throwIfAborted();
      yield ids.flatMap(id => publishedFile(identity, id) ?? []);
    }
  }

  /** Redis has nothing of the catalog any more. Returns how many files it had. */
  async remove(): Promise<number> {
    await this.position();
    let removed = 0;
    for await (const fileIds of this.fileIds()) {
      await this.put(fileIds.map(fileId => ({ fileId, texts: NO_TEXTS })));
      removed += fileIds.length;
    }
    await this.#options.connection.change([['del', this.#outbox]]);
    return removed;
  }
}

function namesIn(properties = '[]'): string[] {
  try {
    const names: unknown = JSON.parse(properties);
    return Array.isArray(names) ? names.filter(name => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

function changeOf(key: string, had: string | null, text: string | null): Change[] {
  if (text === had) return [];
  return [text === null ? { kind: 'del', key, text: '' } : { kind: 'set', key, text }];
}
