/** Publishes the files of a catalog to a Redis for as long as the process runs, and keeps its node online. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import { parseStreamUri } from '../../sources/stream-uri.js';
import type { Keeper } from '../keeper.js';
import type { Connection } from './connection.js';
import { keepAt } from './keep-at.js';
import type { Node, NodeStatus } from './nodes.js';
import type { Outbox } from './outbox.js';
import { isPublished } from './told-texts.js';

export interface PublishOptions {
  uri: string;
  keyPrefix: string;
  node: string;
  version: string;
  /** Something is not well; it is tried again. Told once, however long it lasts. */
  onProblem: (message: string, hint: string | undefined) => void;
}

/** How soon a change of the catalog is noticed. */
const LOOK_EVERY_MS = 100;

/** How soon it is noticed that Redis has lost something. */
const ASK_EVERY_MS = 1_000;

/** How often other nodes are told how many files there are while that changes: counting a million takes a tenth of a second. */
const TELL_EVERY_MS = 2_000;

/** To say goodbye; a Redis that does not answer finds out by itself. */
const LEAVE_TIMEOUT_MS = 1_000;

/** Throws `usage` for what is no address of a Redis. */
export function keepPublished(catalog: Catalog, options: PublishOptions): Keeper {
  parseStreamUri(options.uri);
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
  /** The nodes that have a source of the same name, as they were told last. */
  #namesakes = '';

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
      const { openRedis } = await import('./open-feed.js');
      const connection = await openRedis(this.#options.uri, this.#cut.signal);
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
    const [nodes, { Outbox: Outboxes }, { PublishedFiles }] = await Promise.all([
      import('./nodes.js'),
      import('./outbox.js'),
      import('./published-files.js'),
    ]);
    const { keyPrefix, node: name, version } = this.#options;
    const [catalog, signal] = [this.#catalog, this.#stop.signal];
    const node = new nodes.Node({ connection, keyPrefix, name, catalog, version, signal });
    const published = new PublishedFiles({ connection, keyPrefix, identity: catalog.identity(), signal });
    this.#tellNamesakes(await node.claim());
    const end = keepOnline(node, nodes.HEARTBEAT_MS);
    try {
      await this.#follow(new Outboxes({ catalog, published, node, signal }), node, isWell);
    } finally {
      await end();
    }
  }

  /** Until the signal says so, or the connection is lost. */
  async #follow(outbox: Outbox, node: Node, isWell: () => void): Promise<void> {
    let [told, toldAt] = [-1, Number.NEGATIVE_INFINITY];
    for (;;) {
      const seq = await outbox.catchUp();
      isWell();
      if (seq !== told && performance.now() - toldAt >= TELL_EVERY_MS) {
        await node.beat();
        [told, toldAt] = [seq, performance.now()];
      }
      let waitedMs = 0;
      do {
        await wait(LOOK_EVERY_MS, undefined, { signal: this.#stop.signal });
        waitedMs += LOOK_EVERY_MS;
      } while (waitedMs < ASK_EVERY_MS && this.#catalog.log.lastSeq() === seq);
    }
  }

  /** What is published has the names of sources in its paths, and of two files with one path only the newer one is shown. */
  #tellNamesakes(others: readonly NodeStatus[]): void {
    const ours = new Set(
      this.#catalog.sources
        .all()
        .filter(isPublished)
        .map(({ name }) => name),
    );
    const shared = others.flatMap(({ name, sources }) =>
      sources.filter(each => ours.has(each)).map(each => `the node ${name} has a source ${each}, too`),
    );
    const told = shared.join(', ');
    if (told !== '' && told !== this.#namesakes) {
      this.#options.onProblem(
        told,
        'of files with one path only the newer is shown: add one of the sources by another name',
      );
    }
    this.#namesakes = told;
  }
}

/** Returns what ends it, and says so. */
function keepOnline(node: Node, everyMs: number): () => Promise<void> {
  // Whoever works with the connection finds out by itself that it was lost.
  const timer = setInterval(() => void node.beat().catch(() => {}), everyMs);
  return async () => {
    clearInterval(timer);
    await node.leave().catch(() => {});
  };
}
