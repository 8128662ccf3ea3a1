/**
 * The nodes that publish to a Redis: a hash for each, with a heartbeat. Times are those of Redis's clock, so the clocks of the
 * machines need not agree. A name belongs to its owner: a catalog at a place.
 *
 *     {prefix}node:{name}        hash: owner, state, at, files, sources, version
 *     {prefix}node:__index__     set of the names
 */
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord } from '../../catalog/sources.js';
import { nearest } from '../../config/nearest.js';
import { FacetError } from '../../errors.js';
import type { Connection } from './connection.js';
import { catalogOf, ownerOf, placeOf } from './owner.js';
import { PublishedFiles } from './published-files.js';
import { isPublished } from './told-texts.js';

export const HEARTBEAT_MS = 30_000;
const MISSED_HEARTBEATS = 3;

/** That are asked for at once. */
const NAMES_PER_BATCH = 1_000;

export interface NodeStatus {
  name: string;
  online: boolean;
  /** ISO 8601. */
  lastHeartbeat: string;
  /** In the sources that it publishes. */
  files: number;
  /** Their names. */
  sources: string[];
  version: string;
}

export interface Nodes {
  connection: Connection;
  keyPrefix: string;
}

interface KnownNode extends NodeStatus {
  owner: string;
}

/** In the order of their names. */
export async function listNodes(nodes: Nodes): Promise<NodeStatus[]> {
  return (await knownNodes(nodes)).map(({ owner: _, ...status }) => status);
}

async function knownNodes({ connection, keyPrefix }: Nodes): Promise<KnownNode[]> {
  const now = await connection.now();
  const found = new Map<string, KnownNode>();
  for await (const names of connection.members(indexKey(keyPrefix), NAMES_PER_BATCH)) {
    for (const name of names) {
      const fields = await connection.hash(nodeKey(keyPrefix, name));
      if (fields.owner !== undefined) found.set(name, nodeIn(name, fields, now));
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function nodeIn(name: string, fields: Readonly<Record<string, string>>, now: number): KnownNode {
  const { owner = '', state, version = '', sources = '' } = fields;
  const [at, files] = [numberIn(fields.at), numberIn(fields.files)];
  const online = state === 'online' && now - at < MISSED_HEARTBEATS * HEARTBEAT_MS;
  const names = sources.split('\n').filter(each => each !== '');
  return { name, online, lastHeartbeat: new Date(at).toISOString(), files, sources: names, version, owner };
}

function numberIn(text = ''): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** Who is gone for good is forgotten, with its files. Returns how many it had. Throws `not-found`, and `in-use` for one that is online. */
export async function forgetNode(nodes: Nodes, name: string, signal: AbortSignal): Promise<number> {
  const known = await knownNodes(nodes);
  const node = known.find(each => each.name === name);
  if (!node) throw notKnown(name, known);
  if (node.online) {
    throw new FacetError('in-use', `the node ${name} is online`, { hint: 'stop facet there first' });
  }
  return remove(nodes, node, signal);
}

/** The name comes last: when this ends early, it can be done again. */
async function remove(nodes: Nodes, { name, owner }: KnownNode, signal: AbortSignal): Promise<number> {
  const removed = await new PublishedFiles({ ...nodes, identity: catalogOf(owner), signal }).remove();
  await removeName(nodes, name);
  return removed;
}

async function removeName({ connection, keyPrefix }: Nodes, name: string): Promise<void> {
  await connection.change([
    ['del', nodeKey(keyPrefix, name)],
    ['srem', indexKey(keyPrefix), name],
  ]);
}

function nodeKey(keyPrefix: string, name: string): string {
  return `${keyPrefix}node:${name}`;
}

function indexKey(keyPrefix: string): string {
  return `${keyPrefix}node:__index__`;
}

export interface NodeOptions extends Nodes {
  name: string;
  catalog: Catalog;
  version: string;
  signal: AbortSignal;
}

/** This node. */
export class Node {
  readonly #options: NodeOptions;
  readonly #owner: string;
  readonly #key: string;
  /** How many files there were after a change. */
  #counted = { seq: 0, files: 0 };

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#owner = ownerOf(options.catalog);
    this.#key = nodeKey(options.keyPrefix, options.name);
  }

  /**
   * The name is this node's from now on, and no other. Throws `exists` when it is another catalog's, or a copy of this
   * catalog is online. Returns the other nodes.
   */
  async claim(): Promise<NodeStatus[]> {
    const { name } = this.#options;
    const known = await knownNodes(this.#options);
    const ours = known.filter(({ owner }) => catalogOf(owner) === catalogOf(this.#owner));
    const copy = ours.find(({ online, owner }) => online && owner !== this.#owner);
    if (copy) throw isCopied(copy.name);
    const holder = known.find(each => each.name === name);
    const isOurs = holder !== undefined && ours.includes(holder);
    if (holder && !isOurs) await this.#replace(holder);
    if (!(await this.#tell('online', isOurs ? holder.owner : undefined))) throw isTaken(name);
    for (const old of ours) if (old !== holder) await removeName(this.#options, old.name);
    return known.filter(each => each !== holder && !ours.includes(each));
  }

  /** A catalog that was at this place before is gone: this one was made anew. Any other may come back. */
  async #replace(holder: KnownNode): Promise<void> {
    if (holder.online) throw isTaken(holder.name);
    if (placeOf(holder.owner) !== placeOf(this.#owner)) throw isReserved(holder);
    await remove(this.#options, holder, this.#options.signal);
  }

  /** Does nothing when the name is another one's by now; `keepName` tells. */
  async beat(): Promise<void> {
    await this.#tell('online', this.#owner);
  }

  /** Known to be away at once. */
  async leave(): Promise<void> {
    await this.#tell('offline', this.#owner);
  }

  /** Only while `owner` has the name. Returns whether it has. */
  async #tell(state: 'online' | 'offline', owner: string | undefined): Promise<boolean> {
    const { connection, keyPrefix, name, catalog, version } = this.#options;
    const published = catalog.sources.all().filter(isPublished);
    const sources = published.map(each => each.name).join('\n');
    const at = await connection.now();
    await connection.change([['sadd', indexKey(keyPrefix), name]]);
    const texts = { owner: this.#owner, state, at, files: this.#count(published), sources, version };
    return connection.setWhere(this.#key, 'owner', owner, texts);
  }

  /** A million files take a tenth of a second, so they are counted when something has changed. */
  #count(sources: readonly SourceRecord[]): number {
    const { catalog } = this.#options;
    const seq = catalog.log.lastSeq();
    if (this.#counted.seq !== seq) {
      const files = sources.reduce((sum, { id }) => sum + catalog.files.totals(id).files, 0);
      this.#counted = { seq, files };
    }
    return this.#counted.files;
  }

  /** Throws `exists` when the name is another one's by now. A Redis that was emptied is told of it again. */
  async keepName(): Promise<void> {
    const { connection, name } = this.#options;
    const { owner } = await connection.hash(this.#key);
    if (owner === this.#owner) return;
    if (owner === undefined) return void (await this.#tell('online', undefined));
    throw catalogOf(owner) === catalogOf(this.#owner) ? isCopied(name) : isTaken(name);
  }
}

const NAME_IT = 'give this one a name of its own: node, below redis in config.yaml';

function isTaken(name: string): FacetError {
  return new FacetError('exists', `another catalog publishes as the node ${name}`, { hint: NAME_IT });
}

function isReserved({ name, lastHeartbeat }: KnownNode): FacetError {
  return new FacetError(
    'exists',
    `the node ${name} is that of another catalog, last heard of ${lastHeartbeat}`,
    {
      hint: `${NAME_IT}; or, if that one is gone for good: facet index nodes --forget ${name}`,
    },
  );
}

function isCopied(name: string): FacetError {
  return new FacetError('exists', `the node ${name} publishes from a copy of this catalog`, {
    hint: 'two catalogs with one past cannot be told apart: publish from one of them, or make the other anew',
  });
}

function notKnown(name: string, known: readonly NodeStatus[]): FacetError {
  const near = nearest(
    name,
    known.map(each => each.name),
  );
  return new FacetError('not-found', `there is no node ${name}`, {
    hint: near === undefined ? 'facet index nodes lists them' : `did you mean ${near}?`,
  });
}
