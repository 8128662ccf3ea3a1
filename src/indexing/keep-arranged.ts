/**
 * Keeps the tree arranged while a long command runs: rules.yaml is applied when it changes and is valid, and files whose age
 * brings them elsewhere are placed anew when their time comes. Rules that are not valid leave those before them in force.
 */
import { statSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { Catalog } from '../catalog/catalog.js';
import { startThread } from '../config/threads.js';
import { errorMessage } from '../errors.js';
import type { RulesMessage, RulesThreadData } from './rules-thread.js';

export interface ArrangedOptions {
  rulesFile: string;
  onApplied: () => void;
  /** The rules could not be applied, or files not be placed; what was in force stays so. */
  onProblem: (message: string, hint: string | undefined) => void;
}

/** A change is seen within two looks: an editor may be in the middle of writing at the first one. */
const LOOK_EVERY_MS = 250;

/** After what may pass: a busy catalog, a full disk. */
const TRY_AGAIN_MS = 10_000;

export function keepArranged(catalog: Catalog, options: ArrangedOptions): { stop(): Promise<void> } {
  const keeper = new Keeper(catalog, options);
  return { stop: () => keeper.stop() };
}

class Keeper {
  readonly #catalog: Catalog;
  readonly #options: ArrangedOptions;
  readonly #timer: NodeJS.Timeout;
  #worker: Worker | undefined;
  /** What rules.yaml and the sources were at the last look, and when it was last read. */
  #seen = '';
  #read = '';
  #tryAgainAt = Number.POSITIVE_INFINITY;
  #problem = '';

  constructor(catalog: Catalog, options: ArrangedOptions) {
    this.#catalog = catalog;
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    // What it has not committed is undone.
    await this.#worker?.terminate();
  }

  #look(): void {
    const state = this.#state();
    const isDue = state !== this.#read || Date.now() >= this.#tryAgainAt;
    if (isDue && state === this.#seen && !this.#worker) this.#apply(state);
    this.#seen = state;
    if (!this.#worker) this.#revisit();
  }

  /** Rules that name a source are right once there is one. '' when there are no rules. */
  #state(): string {
    const file = identityOf(this.#options.rulesFile);
    return file && [file, ...this.#catalog.sources.all().map(({ name }) => name)].join('\0');
  }

  #apply(state: string): void {
    this.#read = state;
    this.#tryAgainAt = Number.POSITIVE_INFINITY;
    if (state === '') return;
    const { rulesFile } = this.#options;
    const worker = startThread<RulesThreadData>(new URL('./rules-thread.js', import.meta.url), {
      catalogFile: this.#catalog.file,
      rulesFile,
    });
    this.#worker = worker;
    worker.on('message', (message: RulesMessage) => this.#onMessage(message));
    worker.on('error', error => this.#options.onProblem(errorMessage(error), undefined));
    worker.on('exit', () => {
      this.#worker = undefined;
    });
  }

  #onMessage(message: RulesMessage): void {
    if (message.kind === 'refused') {
      if (message.isPassing) this.#tryAgainAt = Date.now() + TRY_AGAIN_MS;
      this.#options.onProblem(`the rules in force stay: ${message.message}`, message.hint);
    } else if (message.hasChanged) this.#options.onApplied();
  }

  /** Told once, however long it lasts. */
  #revisit(): void {
    try {
      this.#catalog.revisit();
      this.#problem = '';
    } catch (error) {
      const message = `cannot place files by their age: ${errorMessage(error)}`;
      if (message !== this.#problem) this.#options.onProblem(message, undefined);
      this.#problem = message;
    }
  }
}

/** '' where there is no such file, or nobody may look. */
function identityOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return '';
  }
}
