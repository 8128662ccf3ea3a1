/**
 * Follows the stream of one source over one connection. How far it got is in the catalog, written together with what came of
 * it: whoever follows next, this process or another, goes on from there. Several may follow at once; then the first one
 * writes, and the others see it and go on from where it is.
 *
 *     {prefix}follower:{identity of the catalog}-{id of the source}   text: the entry up to which the catalog has the stream
 *
 * That is written to Redis as well, later than the entry itself. So a Redis that came back empty, as it was before, or from a
 * replica that was behind has not both, and one that has the text has had the entry: if that is gone, the stream was trimmed.
 */
import { AppliedRules } from '../../catalog/applied-rules.js';
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord, StreamState } from '../../catalog/sources.js';
import { FacetError } from '../../errors.js';
import { askedProperties } from '../../rules/asked-properties.js';
import { readRules } from '../../rules/rules.js';
import { compileFilter, type Filter } from '../../sources/filter.js';
import { openRoot } from '../../sources/local.js';
import { type AppliedCounts, applyReports } from './apply.js';
import type { Feed, KnownEntry } from './feed.js';
import { ALWAYS_KEPT, isKept, Keys, publishedAt, type StreamEntry, type StreamEvent } from './format.js';
import { type FoundReport, Reporter } from './reports.js';

export interface SessionOptions {
  /** Globs excluded besides the source's own. */
  exclude: readonly string[];
  /** Believe an index that has lost most of the files. */
  allowShrink: boolean;
  signal: AbortSignal;
  /** Told how many files were looked at so far. */
  onProgress: (files: number) => void;
}

/**
 * Events that are read, and written to the catalog, at once, where so many are waiting: a transaction rewrites a page of the
 * database however many of its rows have changed.
 */
const EVENTS_PER_BATCH = 5_000;

/** How soon other rules, and a stream that is another one, are noticed while nothing happens. */
const LOOK_EVERY_MS = 500;

/** What is missing is counted in one part of so many of the time. */
const COUNT_EVERY = 10;

/** Names of properties that are kept with `properties: all`. */
const MOST_PROPERTIES = 10_000;

/** Files whose missing properties are fetched at once. */
const FILES_PER_PAGE = 1_000;

const NOTHING_YET: StreamState = {
  properties: [],
  eventsProcessed: 0,
  propertiesFetched: 0,
  propertiesSkipped: 0,
  eventsIgnored: 0,
  pathsRefused: 0,
  lag: 0,
  lastRefresh: null,
};

export class Session {
  readonly catalog: Catalog;
  readonly feed: Feed;
  readonly source: SourceRecord;
  readonly options: SessionOptions;
  readonly keys: Keys;
  /** What was changed in the catalog so far. */
  readonly counts: AppliedCounts = { added: 0, modified: 0, renamed: 0, deleted: 0 };
  readonly #filter: Filter;
  readonly #rules: AppliedRules;
  readonly #root: string | undefined;
  readonly #markKey: string;
  /** What was written there last. */
  #marked: string | undefined;
  #countAgainAt = 0;
  #asked: { document: string | undefined; properties: string[] } | undefined;

  /** Throws `usage` for a malformed glob. */
  constructor(catalog: Catalog, feed: Feed, source: SourceRecord, options: SessionOptions) {
    const { include, exclude, stream } = source.options;
    this.catalog = catalog;
    this.feed = feed;
    this.source = source;
    this.options = options;
    const [prefix, identity] = [stream?.keyPrefix ?? '', catalog.identity()];
    this.keys = new Keys(prefix, identity);
    this.#markKey = `${prefix}follower:${identity}-${source.id}`;
    this.#filter = compileFilter(include, [...exclude, ...options.exclude]);
    this.#rules = new AppliedRules(catalog.db);
    this.#root = rootOf(stream?.files);
  }

  /**
   * Goes on to the end of the stream, from where the catalog is. Returns false where every file has to be looked at: the
   * stream does not go on from there, so events may be lost, or what was missing may be back.
   */
  async catchUp(): Promise<boolean> {
    for (;;) {
      await this.#fetchMissing();
      const { position } = this.state();
      if (position === undefined) return false;
      const entries = await this.feed.entries(position, EVENTS_PER_BATCH);
      // Asked afterwards: what was trimmed before is missing among the entries.
      if (!(await this.#holds(position))) return false;
      if (entries.length === 0) return !this.#isCountOld();
      await this.#take(entries, position);
    }
  }

  /** Waits for what comes next; a moment at most. Returns as `catchUp` does. */
  async wait(): Promise<boolean> {
    const { position } = this.state();
    if (position === undefined) return false;
    const entries = await this.feed.nextEntries(position, EVENTS_PER_BATCH, LOOK_EVERY_MS);
    if (!(await this.#holds(position))) return false;
    await this.#fetchMissing();
    if (entries.length > 0) await this.#take(entries, position);
    return !this.#isCountOld();
  }

  /**
   * A stream that goes on has forgotten its oldest entries. One that is gone takes its files with it: it was emptied, is what
   * it was before, or another one; nobody has said of those that it lacks that they are gone.
   */
  async #holds(position: string): Promise<boolean> {
    if (await this.feed.holds(position)) {
      await this.mark(position);
      return true;
    }
    const { entries, missing } = this.state();
    if (!(await this.#isTrimmedPast({ id: position, nth: entries })))
      this.write(position, [], state => ({ ...state, missing: missing ?? {} }));
    return false;
  }

  /** Has it lost its past since this was its last entry? */
  async hasLost(last: KnownEntry): Promise<boolean> {
    return !(await this.feed.holds(last.id)) && !(await this.#isTrimmedPast(last));
  }

  #isTrimmedPast(entry: KnownEntry): Promise<boolean> {
    return this.feed.isTrimmedPast(entry, this.#markKey);
  }

  async mark(id: string): Promise<void> {
    if (id === this.#marked) return;
    await this.feed.mark(this.#markKey, id);
    this.#marked = id;
  }

  /** What is missing was counted in so many ms. It is counted again when events have come, but in a part of the time only. */
  countedIn(milliseconds: number): void {
    this.#countAgainAt = performance.now() + COUNT_EVERY * milliseconds;
  }

  #isCountOld(): boolean {
    const { missing, position } = this.state();
    return missing !== undefined && missing.countedAt !== position && performance.now() >= this.#countAgainAt;
  }

  /** As it is now in the catalog. Throws `not-found` when the source was removed. */
  state(): StreamState {
    return this.#record().state.stream ?? NOTHING_YET;
  }

  #record(): SourceRecord {
    const source = this.catalog.sources.withId(this.source.id);
    if (source) return source;
    throw new FacetError('not-found', `the source ${this.source.name} was removed`);
  }

  /** The properties that files are to have: those that are asked for, or all that were ever met. */
  wantedProperties(): readonly string[] {
    if (this.source.options.stream?.properties === 'all') return this.state().properties;
    const document = this.#rules.document();
    if (!this.#asked || this.#asked.document !== document) {
      const names = document === undefined ? [] : askedProperties(readRules(document));
      this.#asked = { document, properties: propertyList([ALWAYS_KEPT, ...names]) };
    }
    return this.#asked.properties;
  }

  reporter(properties: readonly string[]): Reporter {
    return new Reporter(this.catalog.files, {
      ...{ sourceId: this.source.id, feed: this.feed, keys: this.keys },
      ...{ properties, root: this.#root, admits: path => this.#admits(path) },
    });
  }

  #admits(path: string): boolean {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (!this.#filter.folder(path.slice(0, slash), undefined)) return false;
    }
    return this.#filter.file(path, undefined);
  }

  /**
   * Writes reports and what `change` makes of the state, in one transaction; nothing when another process has gone on from
   * `position` meanwhile. Returns the ids of the files that were told to be there, undefined when nothing was written.
   */
  write(
    position: string | undefined,
    reports: readonly FoundReport[],
    change: (state: StreamState) => StreamState,
  ): readonly number[] | undefined {
    return this.catalog.write(writer => {
      const { state } = this.#record();
      const known = state.stream ?? NOTHING_YET;
      if (known.position !== position) return undefined;
      const present = applyReports(writer, this.catalog.files, this.source, reports, this.counts);
      const { unavailable: _, hint: __, ...rest } = state;
      this.catalog.sources.setState(this.source.id, { ...rest, stream: change(known) });
      return present;
    });
  }

  async #take(entries: readonly StreamEntry[], position: string): Promise<void> {
    const events = entries.map(entry => this.keys.event(entry)).filter(event => event !== undefined);
    const last = entries.at(-1)?.id ?? position;
    const properties = this.#propertiesWith(events);
    const reporter = this.reporter(properties);
    const reports = await reporter.ofEvents(events);
    this.write(position, reports, state => ({
      ...withCounts(state, reporter),
      position: last,
      entries: state.entries === undefined ? undefined : state.entries + entries.length,
      properties,
      eventsProcessed: state.eventsProcessed + entries.length,
      eventsIgnored: state.eventsIgnored + entries.length - events.length,
      lag: Math.max(0, Date.now() - publishedAt(last)),
      lastRefresh: new Date().toISOString(),
    }));
  }

  /** Where all properties are kept, those that these events name are kept too. */
  #propertiesWith(events: readonly StreamEvent[]): readonly string[] {
    const wanted = this.wantedProperties();
    if (this.source.options.stream?.properties !== 'all') return wanted;
    const known = new Set(wanted);
    const unknown = events.some(({ property }) => !known.has(property) && isKept(property));
    return unknown ? propertyList([...wanted, ...events.map(({ property }) => property)]) : wanted;
  }

  /** Other rules ask for other properties. What nobody asks for any more would grow old, and goes. */
  async #fetchMissing(): Promise<void> {
    const { position, properties: known } = this.state();
    const wanted = this.wantedProperties();
    const missing = wanted.filter(name => !known.includes(name));
    const useless = known.filter(name => !wanted.includes(name));
    if (missing.length + useless.length === 0) return;
    const none = Object.fromEntries(useless.map(name => [name, null]));
    for (const page of this.catalog.files.pagesOf(this.source.id, FILES_PER_PAGE)) {
      const reporter = this.reporter(wanted);
      const told = await reporter.ofProperties(
        page.flatMap(({ key }) => key ?? []),
        missing,
      );
      const all = told.map(each => ({ ...each, properties: { ...each.properties, ...none } }));
      const reports = await reporter.withFollowers(all);
      if (!this.write(position, reports, state => withCounts(state, reporter))) return;
    }
    this.write(position, [], state => ({ ...state, properties: wanted }));
  }
}

/** Counts of what a reporter did. */
export function withCounts(state: StreamState, { fetched, skipped, refused }: Reporter): StreamState {
  return {
    ...state,
    propertiesFetched: state.propertiesFetched + fetched,
    propertiesSkipped: state.propertiesSkipped + skipped,
    pathsRefused: state.pathsRefused + refused,
  };
}

/** Each once, in the order of their names. */
export function propertyList(names: Iterable<string>): string[] {
  return [...new Set(names)].filter(isKept).sort().slice(0, MOST_PROPERTIES);
}

/** Undefined when the folder is not there now: what the stream says is true all the same. */
function rootOf(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return openRoot(folder);
  } catch {
    return folder;
  }
}
