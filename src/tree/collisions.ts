/**
 * Two files, one name. A directory keeps its name before any file; among files the one with the lowest id keeps it, the
 * others are displaced to ` (source)`, ` (source 2)` before the extension. The outcome depends on who is there, never on
 * who came first: all displaced entries of a directory are named anew whenever one of its names is taken or freed.
 */
import type { Database, Statement } from 'better-sqlite3';
import { EntryType } from '../catalog/projector.js';
import { displacedName } from './names.js';

/** A file that wants a name which others want as well, or which a directory has. */
interface Contender {
  /** What it is called now. */
  name: string;
  ino: number;
  wanted: string;
  source: string;
}

/** Told of each entry that is called something else than before. */
export type OnRenamed = (parent: number, oldName: string, newName: string) => void;

const CONTENDER = `
  SELECT e.name, e.ino, coalesce(e.wanted, e.name) AS wanted, s.name AS source
  FROM entries e JOIN files f ON f.id = e.ino JOIN folders d ON d.id = f.folder_id JOIN sources s ON s.id = d.source_id`;

export class Collisions {
  readonly #displaced: Statement<[number], Contender>;
  readonly #holder: Statement<[number, string, number], Contender>;
  readonly #taken: Statement<[number, string]>;
  readonly #rename: Statement<[string, string | null, number, string]>;
  readonly #insert: Statement<[number, string, number, number, string]>;
  readonly #any: Statement<[number]>;

  constructor(db: Database) {
    this.#displaced = db.prepare(`${CONTENDER} WHERE e.parent = ? AND e.wanted IS NOT NULL`);
    this.#holder = db.prepare(
      `${CONTENDER} WHERE e.parent = ? AND e.name = ? AND e.wanted IS NULL AND e.type <> ?`,
    );
    this.#taken = db.prepare('SELECT 1 FROM entries WHERE parent = ? AND name = ?');
    this.#rename = db.prepare('UPDATE entries SET name = ?, wanted = ? WHERE parent = ? AND name = ?');
    // A file that asks for a place twice is there once.
    this.#insert = db.prepare(
      'INSERT OR IGNORE INTO entries(parent, name, ino, type, wanted) VALUES (?, ?, ?, ?, ?)',
    );
    this.#any = db.prepare('SELECT 1 FROM entries WHERE parent = ? AND wanted IS NOT NULL LIMIT 1');
  }

  /** Does the directory have entries that did not get their names? */
  has(parent: number): boolean {
    return this.#any.get(parent) !== undefined;
  }

  /** Adds a file whose name is taken; `resolve` names it before the transaction ends. */
  insert(parent: number, wanted: string, ino: number, type: EntryType): void {
    this.#insert.run(parent, placeholder({ wanted, ino }), ino, type, wanted);
  }

  /** Takes a name away from the file that has it; `resolve` finds it another before the transaction ends. */
  displace(parent: number, name: string, holder: { ino: number; wanted: string | null }): void {
    const wanted = holder.wanted ?? name;
    this.#rename.run(placeholder({ wanted, ino: holder.ino }), wanted, parent, name);
  }

  /** Names anew all files of a directory that contend for a name. */
  resolve(parent: number, onRenamed: OnRenamed): void {
    const contenders = this.#contenders(parent);
    for (const each of contenders) this.#rename.run(placeholder(each), each.wanted, parent, each.name);
    // All winners first: nobody may be displaced to a name that another file has a claim to.
    const losers = contenders.filter(each => !this.#takeIfFree(parent, each, each.wanted, onRenamed));
    // Names only get fewer here: of those that want the same, each goes on where the one before it found one.
    const tried = new Map<string, number>();
    for (const each of losers) {
      const key = `${each.source}\0${each.wanted}`;
      let nth = (tried.get(key) ?? 0) + 1;
      while (!this.#takeIfFree(parent, each, displacedName(each.wanted, each.source, nth), onRenamed)) nth++;
      tried.set(key, nth);
    }
  }

  /** The displaced files of a directory and those whose names they want, by wanted name and id. */
  #contenders(parent: number): Contender[] {
    const displaced = this.#displaced.all(parent);
    const holders = [...new Set(displaced.map(each => each.wanted))]
      .map(wanted => this.#holder.get(parent, wanted, EntryType.directory))
      .filter(holder => holder !== undefined);
    return [...displaced, ...holders].sort((a, b) => compare(a.wanted, b.wanted) || a.ino - b.ino);
  }

  #takeIfFree(parent: number, contender: Contender, name: string, onRenamed: OnRenamed): boolean {
    if (this.#taken.get(parent, name)) return false;
    this.#rename.run(
      name,
      name === contender.wanted ? null : contender.wanted,
      parent,
      placeholder(contender),
    );
    if (name !== contender.name) onRenamed(parent, contender.name, name);
    return true;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A name that no file can have, for the time until `resolve`: NUL cannot be part of one. */
function placeholder(contender: { wanted: string; ino: number }): string {
  return `\0${contender.ino}\0${contender.wanted}`;
}

/** Names for the time until `resolve` never leave the transaction, so nobody else can know them. */
export function isPlaceholder(name: string): boolean {
  return name.startsWith('\0');
}
