/**
 * The nodes that publish to a Redis: a hash for each, with a heartbeat. Times are those of Redis's clock, so the clocks of the
 * machines need not agree.
 *
 *     {prefix}node:{name}        hash: name, catalog, state, at, files, version; published and properties are the outbox's
 *     {prefix}node:__index__     set of the names
 */
import type { Catalog } from '../../catalog/catalog.js';
import { FacetError } from '../../errors.js';
import type { Command, Connection } from './connection.js';
import { isPublished } from './told-texts.js';

export const HEARTBEAT_MS = 30_000;
const MISSED_HEARTBEATS = 3;

export interface NodeStatus {
  name: string;
  online: boolean;
  /** ISO 8601. */
  lastHeartbeat: string;
  /** In the sources that it publishes. */
  files: number;
  version: string;
}

export interface NodeOptions {
  connection: Connection;
  keyPrefix: string;
  name: string;
  catalog: Catalog;
  version: string;
}

/** How far the outbox got. */
export interface Progress {
  /** The last change of the log that is in Redis; undefined until all files are. */
  published: number | undefined;
  properties: readonly string[];
}

/** A node as its hash has it. */
type Fields = Readonly<Record<string, string>>;

/** In the order of their names. */
export async function listNodes(connection: Connection, keyPrefix: string): Promise<NodeStatus[]> {
  const now = await connection.now();
  const nodes = await fieldsOfAll(connection, keyPrefix);
  return nodes.map(([name, fields]) => ({
    ...{ name, online: isOnline(fields, now) },
    lastHeartbeat: new Date(Number(fields.at)).toISOString(),
    ...{ files: Number(fields.files), version: fields.version ?? '' },
  }));
}

async function fieldsOfAll(connection: Connection, keyPrefix: string): Promise<[string, Fields][]> {
  const found: [string, Fields][] = [];
  for await (const names of connection.members(indexKey(keyPrefix))) {
    for (const name of names) {
      const fields = await connection.hash(nodeKey(keyPrefix, name));
      if (fields.at !== undefined) found.push([name, fields]);
    }
  }
  return [...new Map(found)].sort(([one], [other]) => (one < other ? -1 : 1));
}

function isOnline({ state, at }: Fields, now: number): boolean {
  return state === 'online' && now - Number(at) < MISSED_HEARTBEATS * HEARTBEAT_MS;
}

function nodeKey(keyPrefix: string, name: string): string {
  return `${keyPrefix}node:${name}`;
}

function indexKey(keyPrefix: string): string {
  return `${keyPrefix}node:__index__`;
}

/** This node. */
export class Node {
  readonly #options: NodeOptions;
  readonly #identity: string;
  readonly #key: string;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#identity = options.catalog.identity();
    this.#key = nodeKey(options.keyPrefix, options.name);
  }

  /**
   * The name is this node's from now on. One that another catalog had, and that is not in use, is taken over: `withdraw` takes
   * out of Redis what that one published. Throws `exists` when the name is in use, or a copy of this catalog is.
   */
  async claim(withdraw: (identity: string, properties: readonly string[]) => Promise<void>): Promise<void> {
    const { connection, keyPrefix, name } = this.#options;
    const now = await connection.now();
    const nodes = await fieldsOfAll(connection, keyPrefix);
    const before = nodes.find(([each]) => each === name)?.[1];
    const renamed = nodes.filter(([each, { catalog }]) => each !== name && catalog === this.#identity);
    const copy = renamed.find(([, fields]) => isOnline(fields, now));
    if (copy) throw isCopied(copy[0]);
    if (before && before.catalog !== this.#identity) {
      if (isOnline(before, now)) throw isTaken(name);
      await withdraw(before.catalog ?? '', propertiesIn(before));
      await connection.change([['del', this.#key]]);
    }
    for (const [old] of renamed) await this.#bring(old);
    await this.beat();
  }

  /** From the name that this node had before. Its files have the same ids under the new one. */
  async #bring(old: string): Promise<void> {
    const { connection, keyPrefix } = this.#options;
    await connection.change([
      ['rename', nodeKey(keyPrefix, old), this.#key],
      ['srem', indexKey(keyPrefix), old],
    ]);
  }

  async beat(): Promise<void> {
    const { catalog, version } = this.#options;
    const sources = catalog.sources.all().filter(isPublished);
    const files = sources.reduce((sum, { id }) => sum + catalog.files.totals(id).files, 0);
    await this.#write('online', ['files', files, 'version', version]);
  }

  /** Known to be away at once. */
  async leave(): Promise<void> {
    await this.#write('offline', []);
  }

  async #write(state: 'online' | 'offline', more: readonly (string | number)[]): Promise<void> {
    const { connection, keyPrefix, name } = this.#options;
    const at = await connection.now();
    await connection.change([
      ['hset', this.#key, 'name', name, 'catalog', this.#identity, 'state', state, 'at', at, ...more],
      ['sadd', indexKey(keyPrefix), name],
    ]);
  }

  /** Throws `exists` when another catalog has taken the name. */
  async progress(): Promise<Progress> {
    const fields = await this.#options.connection.hash(this.#key);
    // Redis may have been emptied meanwhile: the next heartbeat brings the rest.
    if (fields.catalog !== undefined && fields.catalog !== this.#identity) throw isTaken(this.#options.name);
    const isKnown = /^\d{1,16}$/.test(fields.published ?? '');
    return {
      published: isKnown ? Number(fields.published) : undefined,
      properties: propertiesIn(fields),
    };
  }

  publishedCommand(seq: number): Command {
    return ['hset', this.#key, 'published', seq];
  }

  propertiesCommand(names: ReadonlySet<string>): Command {
    return ['hset', this.#key, 'properties', JSON.stringify([...names])];
  }
}

function propertiesIn({ properties = '[]' }: Fields): string[] {
  try {
    const names: unknown = JSON.parse(properties);
    return Array.isArray(names) ? names.filter(name => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

function isTaken(name: string): FacetError {
  return new FacetError('exists', `another catalog publishes as the node ${name}`, {
    hint: 'give this one a name of its own: node, below redis in config.yaml',
  });
}

function isCopied(name: string): FacetError {
  return new FacetError('exists', `the node ${name} publishes from a copy of this catalog`, {
    hint: 'two catalogs with one past cannot be told apart: have one of them made anew, with facet index add and scan',
  });
}
