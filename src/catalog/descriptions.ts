/** What users say of files: labels and properties. They hang on a file's id, so they survive renames and restores. */
import type { Database, Statement } from 'better-sqlite3';
import type { Property } from '../query/facts.js';

export type Properties = Readonly<Record<string, Property>>;

export class Descriptions {
  readonly #labels: Statement<[number], string>;
  readonly #addLabel: Statement<[string, number]>;
  readonly #removeLabel: Statement<[string, number]>;
  readonly #counts: Statement<[], { label: string; files: number }>;
  readonly #properties: Statement<[number], string>;
  readonly #putProperties: Statement<[number, string]>;
  readonly #dropProperties: Statement<[number]>;

  constructor(db: Database) {
    this.#labels = db
      .prepare<[number], string>('SELECT label FROM labels WHERE file_id = ? ORDER BY label')
      .pluck();
    this.#addLabel = db.prepare('INSERT OR IGNORE INTO labels(label, file_id) VALUES (?, ?)');
    this.#removeLabel = db.prepare('DELETE FROM labels WHERE label = ? AND file_id = ?');
    this.#counts = db.prepare(
      `SELECT label, count(*) AS files FROM labels JOIN files f ON f.id = file_id AND f.deleted_at IS NULL
       GROUP BY label ORDER BY label`,
    );
    this.#properties = db.prepare<[number], string>('SELECT json FROM properties WHERE file_id = ?').pluck();
    this.#putProperties = db.prepare('INSERT OR REPLACE INTO properties(file_id, json) VALUES (?, ?)');
    this.#dropProperties = db.prepare('DELETE FROM properties WHERE file_id = ?');
  }

  /** The labels that were given directly, in order. */
  labels(id: number): string[] {
    return this.#labels.all(id);
  }

  /** Every label that was given directly, and to how many files. */
  counts(): { label: string; files: number }[] {
    return this.#counts.all();
  }

  properties(id: number): Properties {
    const json = this.#properties.get(id);
    return json === undefined ? {} : JSON.parse(json);
  }

  /** Inside a write transaction. Returns whether the file had not all of them. */
  addLabels(id: number, labels: readonly string[]): boolean {
    return labels.map(label => this.#addLabel.run(label, id).changes).some(changes => changes > 0);
  }

  /** Inside a write transaction. Returns whether the file had any of them. */
  removeLabels(id: number, labels: readonly string[]): boolean {
    return labels.map(label => this.#removeLabel.run(label, id).changes).some(changes => changes > 0);
  }

  /** Sets properties, and takes away those that are null. Inside a write transaction. Returns whether anything changed. */
  setProperties(id: number, changes: Readonly<Record<string, Property | null>>): boolean {
    const before = this.#properties.get(id) ?? '{}';
    const known: Record<string, Property> = JSON.parse(before);
    const after = Object.entries({ ...known, ...changes }).filter(([, value]) => value !== null);
    const json = JSON.stringify(Object.fromEntries(after.sort(([a], [b]) => (a < b ? -1 : 1))));
    if (json === before) return false;
    if (after.length === 0) this.#dropProperties.run(id);
    else this.#putProperties.run(id, json);
    return true;
  }
}
