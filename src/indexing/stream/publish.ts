/** Publishes the files of a catalog to a Redis for as long as the process runs, and keeps its node online. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import { parseRedisUri } from '../../sources/redis-uri.js';
import type { Keeper } from '../keeper.js';
import type { Connection } from './connection.js';
import { keepAt } from './keep-at.js';
import type { Node } from './nodes.js';

export interface PublishOptions {
  uri: string;
  keyPrefix: string;
  node: string;
  version: string;
  /** Something is not well; it is tried again. Told once, however long it lasts. */
  onProblem: (message: string, hint: string | undefined) => void;
}

/** How soon a change of the catalog is noticed. */
const LOOK_EVERY_MS = 250;

/** To say goodbye; a Redis that does not answer finds out by itself. */
const LEAVE_TIMEOUT_MS = 2_000;

export function keepPublished(catalog: Catalog, options: PublishOptions): Keeper {
  const publisher = new Publisher(catalog, options);
  return { stop: () => publisher.stop() };
}

class Publisher {
  readonly #catalog: Catalog;
  readonly #options: PublishOptions;
  readonly #stop = new AbortController();
  /** Ends the connection as well. */
  readonly #cut = new AbortController();
  readonly #ended: Promise<void>;

  constructor(catalog: Catalog, options: PublishOptions) {
    this.#catalog = catalog;
    this.#options = options;
    this.#ended = keepAt({
      work: isWell => this.#publish(isWell),
      onProblem: options.onProblem,
      signal: this.#stop.signal,
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    const late = setTimeout(() => this.#cut.abort(), LEAVE_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(late);
  }

  async #publish(isWell: () => void): Promise<void> {
    const lock = this.#catalog.lockPublishing();
    try {
      const { Connection: Connections } = await import('./connection.js');
      const connection = await Connections.open(parseRedisUri(this.#options.uri), this.#cut.signal);
      try {
        await this.#publishTo(connection, isWell);
      } finally {
        connection.close();
      }
    } finally {
      lock.release();
    }
  }

  async #publishTo(connection: Connection, isWell: () => void): Promise<void> {
    const [{ Keys }, nodes, { Outbox }] = await Promise.all([
      import('./format.js'),
      import('./nodes.js'),
      import('./outbox.js'),
    ]);
    const { keyPrefix, node: name, version } = this.#options;
    const [catalog, signal] = [this.#catalog, this.#stop.signal];
    const keys = new Keys(keyPrefix, catalog.identity());
    const node = new nodes.Node({ connection, keyPrefix, name, catalog, version });
    const outbox = new Outbox({ catalog, connection, keys, node, signal });
    await node.claim((identity, properties) => outbox.withdraw(identity, properties));
    await whileOnline(node, nodes.HEARTBEAT_MS, async () => {
      for (;;) {
        signal.throwIfAborted();
        await outbox.catchUp();
        isWell();
        await wait(LOOK_EVERY_MS, undefined, { signal });
      }
    });
  }
}

/** Whoever follows the work finds out by itself that the connection was lost: a heartbeat that fails needs no words. */
async function whileOnline(node: Node, everyMs: number, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => void node.beat().catch(() => {}), everyMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
    await node.leave().catch(() => {});
  }
}
