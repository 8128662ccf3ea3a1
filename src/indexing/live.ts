/**
 * Keeps the sources of a catalog true for as long as a process runs. How that is done is the business of the kinds below:
 * local folders are watched, others are listed again on a schedule. A source can be kept by several kinds at once. Sources
 * that are added, changed or removed meanwhile, by any process, are noticed within a second.
 *
 * One kind more is one entry in `kinds`.
 */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import { errorMessage } from '../errors.js';
import type { Keeper, KeeperOptions, Kind } from './keeper.js';
import { scheduled } from './schedule.js';
import { followed } from './stream/follow.js';
import { watched } from './watch/watch.js';

export interface LiveOptions extends KeeperOptions {
  /** Only these sources; when undefined, all that are to be kept live. */
  names: readonly string[] | undefined;
}

const kinds: readonly Kind[] = [watched, followed, scheduled];

/** Is there a way to keep the source live? */
export function isKept(source: SourceRecord, named: boolean): boolean {
  return kinds.some(kind => kind.keeps(source, named));
}

export function keepLive(catalog: Catalog, options: LiveOptions): Keeper {
  const live = new Live(catalog, options);
  return { stop: () => live.stop() };
}

const LOOK_EVERY_MS = 1_000;

interface Kept {
  /** Where the source is and what its options are: when that changes, it is begun anew. */
  state: string;
  keepers: Keeper[];
}

class Live {
  readonly #catalog: Catalog;
  readonly #options: LiveOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #kept = new Map<number, Kept>();
  /** Keepers of sources that changed or are gone, until they have stopped. */
  readonly #stopping = new Set<Promise<unknown>>();

  constructor(catalog: Catalog, options: LiveOptions) {
    this.#catalog = catalog;
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const id of this.#kept.keys()) this.#end(id);
    await Promise.all(this.#stopping);
  }

  #look(): void {
    try {
      this.#bringUp(this.#catalog.sources.all());
    } catch (error) {
      this.#options.onProblem('', `cannot look at the sources: ${errorMessage(error)}`, undefined);
    }
  }

  #bringUp(sources: readonly SourceRecord[]): void {
    const states = new Map(sources.map(source => [source.id, stateOf(source)]));
    for (const [id, { state }] of this.#kept) if (states.get(id) !== state) this.#end(id);
    for (const source of sources) if (!this.#kept.has(source.id)) this.#begin(source);
  }

  #begin(source: SourceRecord): void {
    const { names } = this.#options;
    const taking = names === undefined || names.includes(source.name);
    const wanted = taking ? kinds.filter(kind => kind.keeps(source, names !== undefined)) : [];
    const keepers = wanted.map(kind => kind.start(this.#catalog, source, this.#options));
    this.#kept.set(source.id, { state: stateOf(source), keepers });
  }

  #end(id: number): void {
    const stopped = Promise.all((this.#kept.get(id)?.keepers ?? []).map(keeper => keeper.stop()));
    this.#kept.delete(id);
    this.#stopping.add(stopped);
    void stopped.finally(() => this.#stopping.delete(stopped));
  }
}

function stateOf({ name, uri, options }: SourceRecord): string {
  return JSON.stringify([name, uri, options]);
}
