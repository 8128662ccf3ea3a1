/**
 * Lists a source again and again: what is remote, and what changes where no watch sees it. When it is due follows from the
 * last complete scan, whoever made it: several processes with the same schedule scan once, and a restart scans no sooner.
 */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import { errorMessage } from '../errors.js';
import type { Keeper, KeeperOptions, Kind } from './keeper.js';
import type { ScanMessage } from './scan-thread.js';
import { scanInThread } from './scan-threads.js';

export const scheduled: Kind = {
  keeps: ({ options }) => options.every !== undefined,
  start: (catalog, source, options) => new Schedule(catalog, source, options),
};

/** One that failed is tried again after this, or on its schedule if that is sooner. */
const TRY_AGAIN_MS = 60_000;

/** Looked at again at least so often: timers stand still while a machine sleeps. */
const LONGEST_WAIT_MS = 60_000;

class Schedule implements Keeper {
  readonly #catalog: Catalog;
  readonly #source: SourceRecord;
  readonly #options: KeeperOptions;
  readonly #everyMs: number;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> | undefined;
  /** Of the clock that never jumps. */
  #notBefore = 0;
  #problem = '';

  constructor(catalog: Catalog, source: SourceRecord, options: KeeperOptions) {
    this.#catalog = catalog;
    this.#source = source;
    this.#options = options;
    this.#everyMs = source.options.every ?? Number.POSITIVE_INFINITY;
    this.#arm();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    await this.#scanning;
  }

  #arm(): void {
    const wait = Math.min(Math.max(this.#dueInMs(), 0), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#look(), wait);
  }

  #dueInMs(): number {
    const { lastScan } = this.#catalog.sources.withId(this.#source.id)?.state ?? {};
    const ago = lastScan === undefined ? Number.POSITIVE_INFINITY : Date.now() - Date.parse(lastScan);
    // Of one in the future, when the clock was wrong, nobody can tell how long ago it is.
    const due = ago < 0 ? 0 : this.#everyMs - ago;
    return Math.max(due, this.#notBefore - performance.now());
  }

  #look(): void {
    if (this.#dueInMs() > 0) this.#arm();
    else this.#scanning = this.#scan();
  }

  async #scan(): Promise<void> {
    const { file: catalogFile } = this.#catalog;
    const task = { catalogFile, sourceId: this.#source.id, exclude: this.#options.exclude };
    const { signal } = this.#stopped;
    try {
      this.#onMessage(await scanInThread(task, signal));
    } catch (error) {
      if (!signal.aborted) this.#fail(errorMessage(error), undefined);
    }
    if (!signal.aborted) this.#arm();
  }

  #onMessage(message: ScanMessage): void {
    if (message.kind === 'failed') this.#fail(message.message, message.hint);
    if (message.kind !== 'scanned') return;
    this.#problem = '';
    this.#options.onBatch(message.batch);
  }

  #fail(message: string, hint: string | undefined): void {
    this.#notBefore = performance.now() + Math.min(TRY_AGAIN_MS, this.#everyMs);
    if (message !== this.#problem) this.#options.onProblem(this.#source.name, message, hint);
    this.#problem = message;
  }
}
