/** Asks Redis what is to be known of files: of those that events name, or of all that are in the index. */
import type { PropertyChanges } from '../../catalog/descriptions.js';
import type { Files, KeyedFile } from '../../catalog/files.js';
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
  type TextOf,
} from './format.js';

/** Files whose texts are read at once: most of them are for a moment only. */
const FILES_PER_PAGE = 128;

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

/** Of one file: which properties were set, and which were deleted. */
type Changes = ReadonlyMap<string, boolean>;

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

  /** Of these members of the index, those that are files of others and that events can tell of. */
  async ofIndex(ids: readonly string[]): Promise<Report[]> {
    const { keys } = this.#options;
    const foreign = ids.filter(id => keys.isForeign(id));
    const told = foreign.filter(id => keys.canFollow(id));
    this.refused += foreign.length - told.length;
    return this.ofFiles(told);
  }

  /** All that there is to know of these files, without followers. */
  async ofFiles(ids: readonly string[]): Promise<Report[]> {
    const pages: Promise<Report[]>[] = [];
    for (let at = 0; at < ids.length; at += FILES_PER_PAGE) {
      pages.push(this.#ofPage(ids.slice(at, at + FILES_PER_PAGE)));
    }
    return (await Promise.all(pages)).flat();
  }

  async #ofPage(ids: readonly string[]): Promise<Report[]> {
    const { properties } = this.#options;
    const names = [...new Set([...ATTRIBUTES, ...properties])];
    const texts = await this.#texts(this.#options.keys.of(ids, names));
    const places = new Map(names.map((name, at) => [name, at]));
    return ids.map((key, nth) => {
      const textOf: TextOf = name => texts[nth * names.length + (places.get(name) ?? names.length)] ?? null;
      return { key, file: this.#fileIn(textOf), properties: propertiesIn(textOf, properties) };
    });
  }

  /** These properties alone. */
  async ofProperties(ids: readonly string[], names: readonly string[]): Promise<Report[]> {
    const changes = new Map(names.map(name => [name, true]));
    return this.#ofChangedProperties(ids.map(id => [id, changes]));
  }

  async #ofChanges(byFile: ReadonlyMap<string, Changes>): Promise<Report[]> {
    this.#lookUp(byFile.keys());
    const gone: Report[] = [];
    const whole: string[] = [];
    const partial: [id: string, changes: Changes][] = [];
    for (const [key, changes] of byFile) {
      const kind = this.#kindOf(key, changes);
      if (kind === 'gone') gone.push({ key, file: null, properties: {} });
      else if (kind === 'whole') whole.push(key);
      else if (kind === 'none') this.skipped += changes.size;
      else partial.push([key, changes]);
    }
    const told = await Promise.all([this.#ofChangedProperties(partial), this.ofFiles(whole)]);
    return [...gone, ...told.flat()];
  }

  #kindOf(key: string, changes: Changes): 'gone' | 'whole' | 'properties' | 'none' {
    const path = changes.get('filePath');
    if (path === false) return 'gone';
    if (path) return 'whole';
    const known = this.#known.get(key);
    if (!known) return 'none';
    // It may be set aside, and its time decide whether it stays so.
    if ([...changes.keys()].some(isAttribute)) return 'whole';
    return known.deletedAt === null ? 'properties' : 'none';
  }

  /** What is set has to be fetched; what is deleted is known. */
  async #ofChangedProperties(changed: readonly [id: string, changes: Changes][]): Promise<Report[]> {
    const { keys, properties } = this.#options;
    const kept = new Set(properties);
    const told = changed.map(([key, changes]) => {
      const own = [...changes].filter(([property]) => kept.has(property));
      this.skipped += changes.size - own.length;
      return { key, changes: own };
    });
    const wanted = told.flatMap(({ key, changes }) =>
      keys.of(
        [key],
        changes.flatMap(([property, isSet]) => (isSet ? [property] : [])),
      ),
    );
    const texts = (await this.#texts(wanted)).values();
    const value = (isSet: boolean) => (isSet ? propertyOf(texts.next().value ?? null) : null);
    return told.map(({ key, changes }) => {
      const values = changes.map(([property, isSet]) => [property, value(isSet)]);
      return { key, file: undefined, properties: Object.fromEntries(values) };
    });
  }

  async #texts(keys: readonly string[]): Promise<(string | null)[]> {
    this.fetched += keys.length;
    return this.#options.feed.texts(keys);
  }

  #fileIn(textOf: TextOf): ToldFile | null {
    const told = textOf('filePath');
    if (told === null) return null;
    const path = pathBelow(this.#options.root, told);
    if (path === undefined) this.refused++;
    if (path === undefined || !this.#options.admits(path)) return null;
    const slash = path.lastIndexOf('/');
    const folderPath = path.slice(0, Math.max(slash, 0));
    return { folderPath, name: path.slice(slash + 1), size: sizeIn(textOf), mtimeUs: mtimeUsIn(textOf) };
  }

  /**
   * The reports with what the catalog has of the files. Where a file leaves its place, another one may have waited for that:
   * then it is told too.
   */
  async withFollowers(reports: readonly Report[]): Promise<FoundReport[]> {
    this.#lookUp(reports.map(({ key }) => key));
    const waiting = new Set<string>();
    for (const { key, file } of reports) {
      const known = this.#known.get(key);
      if (file === undefined || !known || known.deletedAt !== null || (file && isAt(known, file))) continue;
      for (const each of this.#files.keysAside(known.folderId, known.name)) waiting.add(each);
    }
    for (const { key } of reports) waiting.delete(key);
    const followers = await this.ofFiles([...waiting]);
    this.#lookUp(waiting);
    const withKnown = ({ key, file, properties }: Report) => {
      return { key, file, properties, known: this.#known.get(key) };
    };
    return [...reports, ...followers].map(withKnown);
  }

  #lookUp(keys: Iterable<string>): void {
    const unknown = [...keys].filter(key => !this.#known.has(key));
    const found = this.#files.withKeys(this.#options.sourceId, unknown);
    for (const [key, file] of found) this.#known.set(key, file);
  }
}

function propertiesIn(textOf: TextOf, names: readonly string[]): PropertyChanges {
  return Object.fromEntries(names.map(name => [name, propertyOf(textOf(name))]));
}

export function isAt(known: KeyedFile, { folderPath, name }: ToldFile): boolean {
  return known.folderPath === folderPath && known.name === name;
}
