/**
 * What is said of files: labels and properties. They hang on a file's id, so they survive renames and restores. Users give
 * both; some sources tell properties as well. What a user gives to a file comes before what its source says, and neither is
 * lost to the other.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Property } from '../query/facts.js';

export type Properties = Readonly<Record<string, Property>>;

/** Properties to be set, and to be taken away where they are null. */
export type PropertyChanges = Readonly<Record<string, Property | null>>;

interface Layers {
  /** What queries and rules ask: the user's properties, and the source's where the user gave none. */
  json: string;
  /** See the table's definition. */
  beneath: string | null;
}

const NOTHING: Layers = { json: '{}', beneath: null };

export class Descriptions {
  readonly #labels: Statement<[number], string>;
  readonly #addLabel: Statement<[string, number]>;
  readonly #removeLabel: Statement<[string, number]>;
  readonly #counts: Statement<[], { label: string; files: number }>;
  readonly #properties: Statement<[number], Layers>;
  readonly #putProperties: Statement<[number, string, string | null]>;
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
    this.#properties = db.prepare('SELECT json, beneath FROM properties WHERE file_id = ?');
    this.#putProperties = db.prepare(
      'INSERT OR REPLACE INTO properties(file_id, json, beneath) VALUES (?, ?, ?)',
    );
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
    return JSON.parse(this.#layers(id).json);
  }

  /** Inside a write transaction. Returns whether the file had not all of them. */
  addLabels(id: number, labels: readonly string[]): boolean {
    return labels.map(label => this.#addLabel.run(label, id).changes).some(changes => changes > 0);
  }

  /** Inside a write transaction. Returns whether the file had any of them. */
  removeLabels(id: number, labels: readonly string[]): boolean {
    return labels.map(label => this.#removeLabel.run(label, id).changes).some(changes => changes > 0);
  }

  /**
   * Sets properties for the user, or takes away what the user gave: then it is again what the source says. Inside a write
   * transaction. Returns whether it has others now.
   */
  setProperties(id: number, changes: PropertyChanges): boolean {
    const before = this.#layers(id);
    const shown = read(before.json);
    if (before.beneath === null) return this.#put(id, before, { ...shown, ...changes }, null);
    const beneath = read(before.beneath);
    for (const [name, value] of Object.entries(changes)) {
      const isGiven = Object.hasOwn(beneath, name);
      if (value !== null) {
        if (!isGiven) assign(beneath, name, shown[name] ?? null);
        assign(shown, name, value);
      } else if (isGiven) {
        assign(shown, name, beneath[name] ?? null);
        delete beneath[name];
      }
    }
    return this.#put(id, before, shown, beneath);
  }

  /** What the file's source says of it is different. Inside a write transaction. Returns whether it has others now. */
  tell(id: number, changes: PropertyChanges): boolean {
    const before = this.#layers(id);
    if (before === NOTHING) return this.#put(id, before, changes, {});
    const shown = read(before.json);
    // Until now the source told nothing, so all is the user's.
    const beneath =
      before.beneath === null
        ? Object.fromEntries(Object.keys(shown).map(name => [name, null]))
        : read(before.beneath);
    for (const [name, value] of Object.entries(changes)) {
      assign(Object.hasOwn(beneath, name) ? beneath : shown, name, value);
    }
    return this.#put(id, before, shown, beneath);
  }

  #layers(id: number): Layers {
    return this.#properties.get(id) ?? NOTHING;
  }

  #put(id: number, before: Layers, shown: PropertyChanges, beneath: PropertyChanges | null): boolean {
    const json = propertiesJson(shown);
    const kept = beneath && JSON.stringify(beneath);
    const isEmpty = json === NOTHING.json && (kept === null || kept === NOTHING.json);
    if (!isEmpty && (json !== before.json || kept !== before.beneath))
      this.#putProperties.run(id, json, kept);
    else if (isEmpty && before !== NOTHING) this.#dropProperties.run(id);
    return json !== before.json;
  }
}

function read(json: string): Record<string, Property | null> {
  return JSON.parse(json);
}

/** `__proto__` is a name like any other. */
function assign(to: Record<string, Property | null>, name: string, value: Property | null): void {
  Object.defineProperty(to, name, { value, enumerable: true, configurable: true, writable: true });
}

/** As the table keeps them: in the order of their names, without those that are null. */
export function propertiesJson(properties: PropertyChanges): string {
  const present = Object.entries(properties).filter(([, value]) => value !== null);
  return JSON.stringify(Object.fromEntries(present.sort(([a], [b]) => (a < b ? -1 : 1))));
}
