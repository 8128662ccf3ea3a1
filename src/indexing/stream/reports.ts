/** Asks Redis what is to be known of files: of those that events name, or of all that are in the index. */
import type { PropertyChanges } from '../../catalog/descriptions.js';
import type { Files, KeyedFile } from '../../catalog/files.js';
import type { Property } from '../../query/facts.js';
import type { Feed } from './feed.js';
import {
  ATTRIBUTES,
  isAttribute,
  type Keys,
  mtimeUsIn,
  pathBelow,
  propertyOf,
  type StreamEvent,
  sizeIn,
  type Texts,
} from './format.js';

/** What Redis says of one file. */
export interface Report {
  key: string;
  /** Null: there is none. Undefined: nothing that stat(2) tells has changed. */
  file: ToldFile | null | undefined;
  properties: PropertyChanges;
}

/** With what the catalog has of it. */
export interface FoundReport extends Report {
  known: KeyedFile | undefined;
}

export interface ToldFile {
  folderPath: string;
  name: string;
  size: number;
  mtimeUs: number;
}

export interface ReportOptions {
  sourceId: number;
  feed: Feed;
  keys: Keys;
  /** The properties of files that are kept. */
  properties: readonly string[];
  /** Paths in Redis may be below it. */
  root: string | undefined;
  /** Is the file one of the source? */
  admits: (path: string) => boolean;
}

/** For one batch: what it finds in the catalog holds until that is written. */
export class Reporter {
  fetched = 0;
  skipped = 0;
  refused = 0;
  readonly #files: Files;
  readonly #options: ReportOptions;
  readonly #known = new Map<string, KeyedFile | undefined>();

  constructor(files: Files, options: ReportOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** What came of events; of one property's, only the last one counts. */
  async ofEvents(events: readonly StreamEvent[]): Promise<FoundReport[]> {
    const byFile = new Map<string, Map<string, boolean>>();
    for (const { id, property, isSet } of events) {
      const known = byFile.get(id);
      if (known) known.set(property, isSet);
      else byFile.set(id, new Map([[property, isSet]]));
    }
    return this.withFollowers(await this.#ofChanges(byFile));
  }

  /** All that there is to know of these files, without followers. */
  async ofFiles(ids: readonly string[]): Promise<Report[]> {
    const names = [...new Set([...ATTRIBUTES, ...this.#options.properties])];
    const texts = await this.#texts(ids.flatMap(id => names.map(name => [id, name] as const)));
    return ids.map((key, nth) => {
      const own = new Map(names.map((name, at) => [name, texts[nth * names.length + at] ?? null]));
      const kept = this.#options.properties.map(name => [name, propertyOf(own.get(name) ?? null)]);
      return { key, file: this.#fileIn(own), properties: Object.fromEntries(kept) };
    });
  }

  /** These properties alone. */
  async ofProperties(ids: readonly string[], names: readonly string[]): Promise<Report[]> {
    const texts = await this.#texts(ids.flatMap(id => names.map(name => [id, name] as const)));
    return ids.map((key, nth) => {
      const own = names.map((name, at) => [name, propertyOf(texts[nth * names.length + at] ?? null)]);
      return { key, file: undefined, properties: Object.fromEntries(own) };
    });
  }

  async #ofChanges(byFile: ReadonlyMap<string, ReadonlyMap<string, boolean>>): Promise<Report[]> {
    const reports: Report[] = [];
    const whole: string[] = [];
    const single: [id: string, property: string][] = [];
    for (const [key, changes] of byFile) {
      const kind = this.#kindOf(key, changes);
      if (kind === 'gone') reports.push({ key, file: null, properties: {} });
      else if (kind === 'whole') whole.push(key);
      else if (kind === 'none') this.skipped += changes.size;
      else reports.push(this.#properties(key, changes, single));
    }
    const [full, texts] = await Promise.all([this.ofFiles(whole), this.#texts(single)]);
    const fetched = new Map<string, Record<string, Property | null>>();
    for (const [at, [id, property]] of single.entries()) {
      const values = fetched.get(id) ?? {};
      values[property] = propertyOf(texts[at] ?? null);
      fetched.set(id, values);
    }
    const partial = reports.map(each => ({
      ...each,
      properties: { ...each.properties, ...fetched.get(each.key) },
    }));
    return [...partial, ...full];
  }

  #kindOf(key: string, changes: ReadonlyMap<string, boolean>): 'gone' | 'whole' | 'properties' | 'none' {
    const path = changes.get('filePath');
    if (path === false) return 'gone';
    if (path) return 'whole';
    const known = this.#lookUp(key);
    if (!known) return 'none';
    // It may be set aside, and its time decide whether it stays so.
    if ([...changes.keys()].some(isAttribute)) return 'whole';
    return known.deletedAt === null ? 'properties' : 'none';
  }

  /** What is set has to be fetched; what is deleted is known. */
  #properties(
    key: string,
    changes: ReadonlyMap<string, boolean>,
    fetch: [id: string, property: string][],
  ): Report {
    const properties: Record<string, null> = {};
    for (const [property, isSet] of changes) {
      if (!this.#options.properties.includes(property)) this.skipped++;
      else if (isSet) fetch.push([key, property]);
      else properties[property] = null;
    }
    return { key, file: undefined, properties };
  }

  async #texts(wanted: readonly (readonly [id: string, property: string])[]): Promise<(string | null)[]> {
    if (wanted.length === 0) return [];
    this.fetched += wanted.length;
    const { feed, keys } = this.#options;
    return feed.texts(wanted.map(([id, property]) => keys.of(id, property)));
  }

  #fileIn(texts: Texts): ToldFile | null {
    const told = texts.get('filePath');
    if (told === null || told === undefined) return null;
    const path = pathBelow(this.#options.root, told);
    if (path === undefined) this.refused++;
    if (path === undefined || !this.#options.admits(path)) return null;
    const slash = path.lastIndexOf('/');
    const folderPath = path.slice(0, Math.max(slash, 0));
    return { folderPath, name: path.slice(slash + 1), size: sizeIn(texts), mtimeUs: mtimeUsIn(texts) };
  }

  /**
   * The reports with what the catalog has of the files. Where a file leaves its place, another one may have waited for that:
   * then it is told too.
   */
  async withFollowers(reports: readonly Report[]): Promise<FoundReport[]> {
    const told = new Set(reports.map(({ key }) => key));
    const waiting = new Set<string>();
    for (const { key, file } of reports) {
      const known = this.#lookUp(key);
      if (file === undefined || !known || known.deletedAt !== null || (file && isAt(known, file))) continue;
      for (const each of this.#files.keysAside(known.folderId, known.name)) {
        if (!told.has(each)) waiting.add(each);
      }
    }
    const all = waiting.size === 0 ? reports : [...reports, ...(await this.ofFiles([...waiting]))];
    return all.map(report => ({ ...report, known: this.#lookUp(report.key) }));
  }

  #lookUp(key: string): KeyedFile | undefined {
    if (!this.#known.has(key)) this.#known.set(key, this.#files.withKey(this.#options.sourceId, key));
    return this.#known.get(key);
  }
}

export function isAt(known: KeyedFile, { folderPath, name }: ToldFile): boolean {
  return known.folderPath === folderPath && known.name === name;
}
