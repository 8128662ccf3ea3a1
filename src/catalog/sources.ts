/** The sources that a catalog knows: their names, where they are, and how their last scan went. */
import type { Database, Statement } from 'better-sqlite3';
import { FacetError } from '../errors.js';

export interface SourceOptions {
  /** Globs; where there are any, only files that match one are listed. */
  include: string[];
  /** Globs; what matches one is not listed, and a folder that matches is not entered. */
  exclude: string[];
  /** Follow symbolic links, as long as they stay inside the source. */
  follow: boolean;
  /** A mount, and `facet index watch`, watch the folder and bring its changes at once. */
  watch?: boolean;
  /** They list the source again when its last scan is so many milliseconds ago. */
  every?: number;
  /** How a remote source is reached. No secrets: these come from the environment or a profile. */
  remote?: RemoteSettings | undefined;
  /** What of a stream of events is followed, and where the contents are that it tells of. */
  stream?: StreamSettings | undefined;
}

export interface StreamSettings {
  /** The folder of this machine that the paths are in. */
  files?: string | undefined;
  /** Or another source of the catalog, by its name. */
  contents?: string | undefined;
  /** What the keys of the files begin with. */
  keyPrefix?: string | undefined;
  /** `used`: only those that the rules in force ask for. */
  properties?: 'used' | 'all' | undefined;
}

export interface RemoteSettings {
  endpoint?: string | undefined;
  region?: string | undefined;
  pathStyle?: boolean | undefined;
  profile?: string | undefined;
  anonymous?: boolean | undefined;
  requesterPays?: boolean | undefined;
}

/** Why the source cannot be listed now, or not be believed; absent when all is well. */
export interface Trouble {
  unavailable?: string;
  /** What to do about that. */
  hint?: string | undefined;
}

export interface SourceState extends Trouble {
  /** ISO 8601: when the last complete scan ended. */
  lastScan?: string;
  /** Where disks are mounted in the folder, or were: these are missing until they are back or somebody says that they are meant to be. */
  disks?: readonly string[];
  /** How far a stream was followed. */
  stream?: StreamState;
}

export interface StreamState {
  /** The last event that is in the catalog; undefined until all files were listed. */
  position?: string | undefined;
  /** How many entries the stream had up to that one; undefined where nobody tells. */
  entries?: number | undefined;
  /** The last entry when a listing of all files began that is not done yet; numbered as `entries`. */
  listing?: { id: string; nth: number | undefined } | undefined;
  /** What was lost with the past of the stream, until it is back or somebody says that it is meant to be gone. */
  missing?: Missing | undefined;
  /** The properties that the files in the catalog have from there, in the order of their names. */
  properties: readonly string[];
  /** Counts, since the source was added. */
  eventsProcessed: number;
  propertiesFetched: number;
  /** Events that cost nothing, as nobody asks for their property, or no file is there. */
  propertiesSkipped: number;
  /** Events of other kinds, or about other keys. */
  eventsIgnored: number;
  /** Times that a file was left out because its path is none. */
  pathsRefused: number;
  /** How long after it was published the last event was in the catalog, ms; by the clocks of two machines. */
  lag: number;
  /** ISO 8601: when the last event, or the last listing, was in the catalog. */
  lastRefresh: string | null;
}

/** Empty before it was counted. */
export interface Missing extends Trouble {
  /** The last event before that. */
  countedAt?: string;
}

export interface SourceRecord {
  id: number;
  name: string;
  uri: string;
  options: SourceOptions;
  state: SourceState;
}

interface SourceRow {
  id: number;
  name: string;
  uri: string;
  options: string;
  state: string;
}

/** NAME_MAX of every file system that matters. */
const NAME_MAX_BYTES = 255;

/** A name is one segment of a path in the tree, and easy to type. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._ -]{0,99}$/u;

export class Sources {
  readonly #all: Statement<[], SourceRow>;
  readonly #byName: Statement<[string], SourceRow>;
  readonly #byId: Statement<[number], SourceRow>;
  readonly #insert: Statement<[string, string, string]>;
  readonly #setState: Statement<[string, number]>;
  readonly #setOptions: Statement<[string, number]>;
  readonly #remove: Statement<[number]>;

  constructor(db: Database) {
    this.#all = db.prepare('SELECT id, name, uri, options, state FROM sources ORDER BY name');
    this.#byName = db.prepare('SELECT id, name, uri, options, state FROM sources WHERE name = ?');
    this.#byId = db.prepare('SELECT id, name, uri, options, state FROM sources WHERE id = ?');
    this.#insert = db.prepare('INSERT INTO sources(name, uri, options) VALUES (?, ?, ?)');
    this.#setState = db.prepare('UPDATE sources SET state = ? WHERE id = ?');
    this.#setOptions = db.prepare('UPDATE sources SET options = ? WHERE id = ?');
    this.#remove = db.prepare('DELETE FROM sources WHERE id = ?');
  }

  all(): SourceRecord[] {
    return this.#all.all().map(fromRow);
  }

  find(name: string): SourceRecord | undefined {
    const row = this.#byName.get(name);
    return row && fromRow(row);
  }

  /** A number is never used for another source. */
  withId(id: number): SourceRecord | undefined {
    const row = this.#byId.get(id);
    return row && fromRow(row);
  }

  /** Throws `not-found`, and names the sources there are. */
  get(name: string): SourceRecord {
    const source = this.find(name);
    if (source) return source;
    const names = this.all().map(each => each.name);
    const hint =
      names.length > 0 ? `the sources are: ${names.join(', ')}` : 'add one: facet index add NAME FOLDER';
    throw new FacetError('not-found', `there is no source named ${name}`, { hint });
  }

  /** Throws `usage` for a name that cannot be a directory's, `exists` for one that is taken. */
  add(name: string, uri: string, options: SourceOptions): SourceRecord {
    if (!NAME.test(name) || name.endsWith(' ')) {
      throw new FacetError('usage', `"${name}" cannot be the name of a source`, {
        hint: 'use letters, digits, dots, dashes, underscores and spaces, a letter or a digit first',
      });
    }
    if (Buffer.byteLength(name) > NAME_MAX_BYTES) {
      throw new FacetError('usage', `"${name}" is too long for the name of a source`, {
        hint: `it is the name of a directory, which takes ${NAME_MAX_BYTES} bytes at most`,
      });
    }
    if (this.find(name)) {
      throw new FacetError('exists', `there is a source named ${name} already`, {
        hint: `choose another name, or remove that one: facet index rm ${name}`,
      });
    }
    this.#insert.run(name, uri, JSON.stringify(options));
    return this.get(name);
  }

  setState(id: number, state: SourceState): void {
    this.#setState.run(JSON.stringify(state), id);
  }

  setOptions(id: number, options: SourceOptions): void {
    this.#setOptions.run(JSON.stringify(options), id);
  }

  /** A complete scan has ended. */
  setScanned(id: number, lastScan: string): void {
    const { unavailable: _, hint: __, ...state } = this.withId(id)?.state ?? {};
    this.setState(id, { ...state, lastScan });
  }

  setUnavailable(id: number, unavailable: string, hint: string | undefined): void {
    this.setState(id, { ...this.withId(id)?.state, unavailable, hint });
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  /** The source that has the contents of a source's files: itself, but for a stream that tells of another one's. */
  holderOf(source: SourceRecord): SourceRecord {
    const { contents } = source.options.stream ?? {};
    return contents === undefined ? source : this.get(contents);
  }
}

/** That it cannot be listed comes first. */
export function troubleOf({ state }: SourceRecord): Trouble {
  return state.unavailable === undefined ? (state.stream?.missing ?? {}) : state;
}

function fromRow(row: SourceRow): SourceRecord {
  return { ...row, options: JSON.parse(row.options), state: JSON.parse(row.state) };
}
