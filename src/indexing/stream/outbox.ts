/**
 * Publishes what the catalog's change log tells, from where it was left. How far that is, is in Redis, in the node's hash, and
 * is written with what it is true of, at once: whatever ends the process, and whatever Redis loses, it goes on from what
 * Redis has. Only what differs from what Redis has is written and announced, so to publish twice changes nothing.
 */
import type { Catalog } from '../../catalog/catalog.js';
import { Descriptions } from '../../catalog/descriptions.js';
import type { Command, Connection } from './connection.js';
import { EVENTS, type Keys, publishedFile, publishedId } from './format.js';
import type { Node } from './nodes.js';
import { ALWAYS_TOLD, isPublished, isTold, toldTexts } from './told-texts.js';

/** Changes that are read from the log at once. */
const CHANGES_PER_BATCH = 500;

/** Keys that are written at once, at most: Redis serves nobody else meanwhile. */
const KEYS_PER_CHANGE = 10_000;

/** Events that the stream keeps, about; who was away for longer looks at all files. */
const STREAM_LENGTH = 1_000_000;

export interface OutboxOptions {
  catalog: Catalog;
  connection: Connection;
  keys: Keys;
  node: Node;
  signal: AbortSignal;
}

/** A file as it is to be in Redis: without texts, not at all. */
interface Told {
  id: string;
  texts: ReadonlyMap<string, string>;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #identity: string;
  readonly #descriptions: Descriptions;
  /** Names of all properties that a file of ours in Redis may have. */
  #names = new Set<string>(ALWAYS_TOLD);

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#identity = options.catalog.identity();
    this.#descriptions = new Descriptions(options.catalog.db);
  }

  /** Goes on to the end of the log. Throws the signal's reason, and `exists` when another catalog has taken the node's name. */
  async catchUp(): Promise<void> {
    const { node } = this.#options;
    for (;;) {
      const { published, properties } = await node.progress();
      this.#names = new Set([...ALWAYS_TOLD, ...properties]);
      const changes = published === undefined ? undefined : this.#changesAfter(published);
      if (changes === undefined) {
        await this.#publishAll();
        continue;
      }
      const last = changes.at(-1)?.seq;
      if (last === undefined) return;
      const ids = new Set(changes.map(({ fileId }) => fileId));
      await this.#put(this.#filesOf(ids), [node.publishedCommand(last)]);
    }
  }

  /** Undefined where the log does not go on from there. */
  #changesAfter(seq: number): { seq: number; fileId: number }[] | undefined {
    const { log } = this.#options.catalog;
    const changes = log.after(seq, CHANGES_PER_BATCH);
    const first = changes[0]?.seq ?? log.lastSeq() + 1;
    return first === seq + 1 ? changes : undefined;
  }

  /** What changes meanwhile is in the log after where it was at the start. */
  async #publishAll(): Promise<void> {
    const { catalog, node } = this.#options;
    const start = catalog.log.lastSeq();
    for (const source of catalog.sources.all().filter(isPublished)) {
      for (const page of catalog.files.pagesOf(source.id, CHANGES_PER_BATCH)) {
        await this.#put(this.#filesOf(page.map(({ id }) => id)), []);
      }
    }
    await this.#withdrawMissing();
    await this.#put([], [node.publishedCommand(start)]);
  }

  /** Of files that the catalog has, what it says now; of others that they are gone. */
  #filesOf(ids: Iterable<number>): Told[] {
    const { files } = this.#options.catalog;
    return [...ids].flatMap(fileId => {
      const file = files.get(fileId);
      const id = publishedId(this.#identity, fileId);
      if (!file) return [{ id, texts: NOTHING }];
      if (!isPublished({ uri: file.sourceUri })) return [];
      if (!isTold(file)) return [{ id, texts: NOTHING }];
      const texts = toldTexts(file, this.#descriptions.properties(fileId), this.#descriptions.labels(fileId));
      return [{ id, texts }];
    });
  }

  async #withdrawMissing(): Promise<void> {
    const { connection, keys } = this.#options;
    for await (const ids of connection.members(keys.index)) {
      const ours = ids.flatMap(id => publishedFile(this.#identity, id) ?? []);
      const missing = this.#filesOf(ours).filter(({ texts }) => texts.size === 0);
      await this.#put(missing, []);
    }
  }

  /** Takes out of Redis all files of another catalog, with the properties that it published. */
  async withdraw(identity: string, properties: readonly string[]): Promise<void> {
    const { connection, keys } = this.#options;
    this.#names = new Set([...ALWAYS_TOLD, ...properties]);
    for await (const ids of connection.members(keys.index)) {
      const theirs = ids.filter(id => publishedFile(identity, id) !== undefined);
      const gone = theirs.map(id => ({ id, texts: NOTHING }));
      await this.#put(gone, []);
    }
  }

  /** `after`: commands for when all of it is there. */
  async #put(told: readonly Told[], after: readonly Command[]): Promise<void> {
    const { connection, node, signal } = this.#options;
    const before = this.#names.size;
    for (const { texts } of told) for (const name of texts.keys()) this.#names.add(name);
    // Known before the first of them is written, or it could be left behind.
    if (this.#names.size > before) await connection.change([node.propertiesCommand(this.#names)]);
    const step = Math.max(1, Math.floor(KEYS_PER_CHANGE / this.#names.size));
    for (let at = 0; at < told.length; at += step) {
      signal.throwIfAborted();
      const commands = await this.#differences(told.slice(at, at + step));
      if (commands.length > 0) await connection.change(commands);
    }
    if (after.length > 0) await connection.change(after);
  }

  async #differences(told: readonly Told[]): Promise<Command[]> {
    const { connection, keys } = this.#options;
    const names = [...this.#names];
    const had = await connection.texts(told.flatMap(({ id }) => names.map(name => keys.of(id, name))));
    return told.flatMap(({ id, texts }, nth) => {
      const changes = names.flatMap((name, at) =>
        changeOf(keys.of(id, name), had[nth * names.length + at] ?? null, texts.get(name) ?? null),
      );
      return [...changes, [texts.size > 0 ? 'sadd' : 'srem', keys.index, id] as const];
    });
  }
}

/** The value, then the event of it: whoever reads the event finds the value. */
function changeOf(key: string, had: string | null, text: string | null): Command[] {
  if (text === had) return [];
  const type = text === null ? 'del' : 'set';
  return [
    text === null ? ['del', key] : ['set', key, text],
    ['xadd', EVENTS, 'MAXLEN', '~', STREAM_LENGTH, '*', 'type', type, 'key', key, 'ts', Date.now()],
  ];
}
