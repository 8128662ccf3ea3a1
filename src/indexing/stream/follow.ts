/** Follows a stream for as long as the process runs: through lost connections, servers that come back empty, other leaders. */
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord } from '../../catalog/sources.js';
import { errorMessage } from '../../errors.js';
import { isStream } from '../../sources/stream-uri.js';
import type { Batch, Keeper, KeeperOptions, Kind } from '../keeper.js';
import { secondsSince } from '../seconds-since.js';
import { keepAt } from './keep-at.js';
import type { Session } from './session.js';

export const followed: Kind = {
  keeps: ({ uri }) => isStream(uri),
  start: (catalog, source, options) => new Follow(catalog, source, options),
};

class Follow implements Keeper {
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  readonly #options: KeeperOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  /** Told once, until all is back: the source's state says how much is missing still. */
  #isMissingTold = false;

  constructor(catalog: Catalog, source: SourceRecord, options: KeeperOptions) {
    this.#catalog = catalog;
    this.#source = source;
    this.#options = options;
    const { signal } = this.#stop;
    this.#ended = keepAt({
      work: isWell => this.#follow(isWell, signal),
      onProblem: (message, hint) => this.#tell(message, hint),
      signal,
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** Until the connection is lost, or more is wrong. */
  async #follow(isWell: () => void, signal: AbortSignal): Promise<void> {
    const [{ openFeed }, { Session: Sessions }, { catchUp }, { listAll }] = await Promise.all([
      import('./open-feed.js'),
      import('./session.js'),
      import('./catch-up.js'),
      import('./list-all.js'),
    ]);
    const feed = await openFeed(this.#source.uri, signal);
    try {
      const { exclude } = this.#options;
      const options = { exclude, allowShrink: false, signal, onProgress: () => {} };
      const session = new Sessions(this.#catalog, feed, this.#source, options);
      const list = () => this.#locked(() => listAll(session));
      const bring = () => catchUp(session, list).catch(error => this.#tellMissing(session, error));
      for (;;) {
        await this.#reported(session.counts, bring);
        isWell();
        if (session.state().missing === undefined) this.#isMissingTold = false;
        this.#noteScan();
        while (await this.#reported(session.counts, () => session.wait())) signal.throwIfAborted();
      }
    } finally {
      feed.close();
    }
  }

  /** Nobody else is to list all of the source meanwhile. */
  async #locked(list: () => Promise<void>): Promise<void> {
    const lock = this.#catalog.lockSource(this.#source, 0);
    try {
      await list();
    } finally {
      lock.release();
    }
  }

  /** Tells what `work` changed, also when it fails in the end. */
  async #reported<T>(counts: Counts, work: () => Promise<T>): Promise<T> {
    const before = { ...counts };
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      const batch = batchOf(this.#source, before, counts, secondsSince(startedAt));
      if (batch) this.#options.onBatch(batch);
    }
  }

  /** What is missing is noted, and what comes is followed all the same. Throws any other error. */
  #tellMissing(session: Session, error: unknown): void {
    const { missing } = session.state();
    if (missing?.unavailable === undefined || missing.unavailable !== errorMessage(error)) throw error;
    if (!this.#isMissingTold) this.#options.onProblem(this.#source.name, missing.unavailable, missing.hint);
    this.#isMissingTold = true;
  }

  #noteScan(): void {
    this.#catalog.write(() => this.#catalog.sources.setScanned(this.#source.id, new Date().toISOString()));
  }

  #tell(message: string, hint: string | undefined): void {
    this.#options.onProblem(this.#source.name, message, hint);
    try {
      this.#catalog.write(() => this.#catalog.sources.setUnavailable(this.#source.id, message, hint));
    } catch {
      // The catalog itself may be what is wrong: a full disk, for example.
    }
  }
}

type Counts = Pick<Batch, 'added' | 'modified' | 'renamed' | 'deleted'>;

/** Undefined when nothing is different. */
function batchOf({ name }: SourceRecord, before: Counts, after: Counts, seconds: number): Batch | undefined {
  const added = after.added - before.added;
  const modified = after.modified - before.modified;
  const renamed = after.renamed - before.renamed;
  const deleted = after.deleted - before.deleted;
  if (added + modified + renamed + deleted === 0) return undefined;
  const at = new Date().toISOString();
  return { source: name, at, extent: 'changes', added, modified, renamed, deleted, seconds };
}
