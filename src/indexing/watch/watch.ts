/** A local folder that is watched: the main thread's side of `watch-thread.ts`. */
import { closeSync, writeSync } from 'node:fs';
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord } from '../../catalog/sources.js';
import { startLastingThread } from '../../config/threads.js';
import { errorMessage } from '../../errors.js';
import type { Keeper, KeeperOptions, Kind } from '../keeper.js';
import { isFolder } from '../keeping.js';
import type { WatchMessage, WatchThreadData } from './watch-thread.js';

export const watched: Kind = {
  keeps: ({ uri, options }, named) => isFolder(uri) && (named || options.watch === true),
  start: (catalog, source, options) => new Watch(catalog, source, options),
};

/** Written to an eventfd. */
const ONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

class Watch implements Keeper {
  readonly #source: SourceRecord;
  readonly #options: KeeperOptions;
  readonly #stopFlag = new Int32Array(new SharedArrayBuffer(4));
  readonly #exited: Promise<void>;
  #wake: number | undefined;

  constructor(catalog: Catalog, source: SourceRecord, options: KeeperOptions) {
    this.#source = source;
    this.#options = options;
    const workerData: WatchThreadData = {
      catalogFile: catalog.file,
      sourceId: source.id,
      exclude: options.exclude,
      stopFlag: this.#stopFlag,
    };
    const worker = startLastingThread(new URL('./watch-thread.js', import.meta.url), workerData);
    worker.on('message', (message: WatchMessage) => this.#onMessage(message));
    worker.on('error', error =>
      options.onProblem(source.name, `it is no longer watched: ${errorMessage(error)}`, undefined),
    );
    this.#exited = new Promise<void>(resolve => {
      worker.once('exit', () => resolve());
    }).then(() => this.#close());
  }

  async stop(): Promise<void> {
    Atomics.store(this.#stopFlag, 0, 1);
    this.#wakeUp();
    await this.#exited;
  }

  #onMessage(message: WatchMessage): void {
    if (message.kind === 'batch') this.#options.onBatch(message.batch);
    else if (message.kind === 'problem') {
      this.#options.onProblem(this.#source.name, message.message, message.hint);
    } else {
      this.#wake = message.wake;
      if (Atomics.load(this.#stopFlag, 0) === 1) this.#wakeUp();
    }
  }

  #close(): void {
    if (this.#wake !== undefined) closeSync(this.#wake);
    this.#wake = undefined;
  }

  #wakeUp(): void {
    if (this.#wake !== undefined) writeSync(this.#wake, ONE);
  }
}
