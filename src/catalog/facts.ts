/** Facts about files of the catalog, for queries, rules and templates. What is not in its record is read when it is asked for. */
import { hostname } from 'node:os';
import type { Database, Statement } from 'better-sqlite3';
import type { Facts, Property } from '../query/facts.js';
import { type FileRecord, isLink, sourcePath } from './files.js';

/** Gives labels to the files of a source whose paths begin with the prefix: '' or one that ends in a slash. */
export interface LabelRule {
  readonly source: string;
  readonly prefix: string;
  readonly labels: readonly string[];
}

/** What has to be known of a file beforehand. */
export type FactsRecord = Pick<
  FileRecord,
  'id' | 'source' | 'folderPath' | 'name' | 'size' | 'mtimeUs' | 'mode'
>;

const NO_LABELS: ReadonlySet<string> = new Set();
const NO_PROPERTIES: Readonly<Record<string, Property>> = Object.freeze({});

/**
 * The facts about one file after another, because a million objects would take their time. They hold until `of` is
 * called again; labels and properties are those of the connection's present view.
 */
export class FileFacts implements Facts {
  readonly node: string;
  readonly #labelsOf: Statement<[number], string>;
  readonly #propertiesOf: Statement<[number], string>;
  readonly #accessedAt: Statement<[number], number>;
  readonly #rules = new Map<string, LabelRule[]>();
  #record: FactsRecord = { id: 0, source: '', folderPath: '', name: '', size: 0, mtimeUs: 0, mode: 0 };
  #path: string | undefined;
  #labels: ReadonlySet<string> | undefined;
  #properties: Readonly<Record<string, Property>> | undefined;

  constructor(db: Database, labelRules: readonly LabelRule[] = [], node: string = hostname()) {
    this.node = node;
    this.#labelsOf = db
      .prepare<[number], string>('SELECT label FROM labels WHERE file_id = ? ORDER BY label')
      .pluck();
    this.#propertiesOf = db
      .prepare<[number], string>('SELECT json FROM properties WHERE file_id = ?')
      .pluck();
    this.#accessedAt = db.prepare<[number], number>('SELECT at FROM accesses WHERE file_id = ?').pluck();
    for (const rule of labelRules) {
      const rules = this.#rules.get(rule.source);
      if (rules) rules.push(rule);
      else this.#rules.set(rule.source, [rule]);
    }
  }

  /** Turns to another file; returns itself. */
  of(record: FactsRecord): this {
    this.#record = record;
    this.#path = undefined;
    this.#labels = undefined;
    this.#properties = undefined;
    return this;
  }

  get id(): number {
    return this.#record.id;
  }

  get source(): string {
    return this.#record.source;
  }

  get path(): string {
    this.#path ??= sourcePath(this.#record);
    return this.#path;
  }

  get name(): string {
    return this.#record.name;
  }

  get isLink(): boolean {
    return isLink(this.#record.mode);
  }

  get size(): number {
    return this.#record.size;
  }

  get mtimeMs(): number {
    return Math.floor(this.#record.mtimeUs / 1000);
  }

  get accessedMs(): number | undefined {
    return this.#accessedAt.get(this.#record.id);
  }

  get labels(): ReadonlySet<string> {
    this.#labels ??= this.#readLabels();
    return this.#labels;
  }

  get properties(): Readonly<Record<string, Property>> {
    this.#properties ??= this.#readProperties();
    return this.#properties;
  }

  #readLabels(): ReadonlySet<string> {
    const labels = this.#labelsOf.all(this.#record.id);
    const rules = this.#rules.get(this.#record.source);
    if (rules) {
      const { path } = this;
      for (const rule of rules) if (path.startsWith(rule.prefix)) labels.push(...rule.labels);
    }
    return labels.length === 0 ? NO_LABELS : new Set(labels);
  }

  #readProperties(): Readonly<Record<string, Property>> {
    const json = this.#propertiesOf.get(this.#record.id);
    return json === undefined ? NO_PROPERTIES : JSON.parse(json);
  }
}
