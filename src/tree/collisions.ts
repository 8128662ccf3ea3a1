/**
 * Several files, one name. A directory keeps its name before any file. Among files the one with the lowest id keeps it, the
 * others are displaced to ` (source)`, ` (source 2)` before the extension; but if each of them is placed so (`newest`),
 * only the one with the latest time is shown and the others are hidden. The outcome depends on who is there, never on who
 * came first: all contenders of a directory are named anew whenever one of its names is taken or freed.
 */
import type { Database, Statement } from 'better-sqlite3';
import { EntryType } from '../catalog/projector.js';
import { displacedName } from './names.js';

/** A file that wants a name which others want as well, or which a directory has. */
interface Contender {
  /** What it is called now; null while it is hidden. */
  name: string | null;
  ino: number;
  wanted: string;
  type: EntryType;
  newest: number;
  mtimeUs: number;
  source: string;
}

/** Told of each name that means another file now, or none. */
export type OnChanged = (parent: number, name: string) => void;

const FILE =
  'JOIN files f ON f.id = e.ino JOIN folders d ON d.id = f.folder_id JOIN sources s ON s.id = d.source_id';
const CONTENDER = `
  SELECT e.name, e.ino, coalesce(e.wanted, e.name) AS wanted, e.type, e.newest, f.mtime_us AS mtimeUs, s.name AS source
  FROM entries e ${FILE}`;
const HIDDEN = `
  SELECT NULL AS name, e.ino, e.wanted, e.type, 1 AS newest, f.mtime_us AS mtimeUs, s.name AS source FROM hidden e ${FILE}`;

export class Collisions {
  readonly #displaced: Statement<[number], Contender>;
  readonly #hidden: Statement<[number], Contender>;
  readonly #holder: Statement<[number, string, number], Contender>;
  readonly #taken: Statement<[number, string]>;
  readonly #rename: Statement<[string, string | null, number, string]>;
  readonly #insert: Statement<[number, string, number, number, string, number]>;
  readonly #remove: Statement<[number, string]>;
  readonly #hide: Statement<[number, string, number, number]>;
  readonly #unhide: Statement<[number, string, number]>;
  readonly #any: Statement<[number, number]>;

  constructor(db: Database) {
    this.#displaced = db.prepare(`${CONTENDER} WHERE e.parent = ? AND e.wanted IS NOT NULL`);
    this.#hidden = db.prepare(`${HIDDEN} WHERE e.parent = ?`);
    this.#holder = db.prepare(
      `${CONTENDER} WHERE e.parent = ? AND e.name = ? AND e.wanted IS NULL AND e.type <> ?`,
    );
    this.#taken = db.prepare('SELECT 1 FROM entries WHERE parent = ? AND name = ?');
    this.#rename = db.prepare('UPDATE entries SET name = ?, wanted = ? WHERE parent = ? AND name = ?');
    // A file that asks for a place twice is there once.
    this.#insert = db.prepare(
      'INSERT OR IGNORE INTO entries(parent, name, ino, type, wanted, newest) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#remove = db.prepare('DELETE FROM entries WHERE parent = ? AND name = ?');
    this.#hide = db.prepare('INSERT INTO hidden(parent, wanted, ino, type) VALUES (?, ?, ?, ?)');
    this.#unhide = db.prepare('DELETE FROM hidden WHERE parent = ? AND wanted = ? AND ino = ?');
    this.#any = db.prepare(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM entries WHERE parent = ? AND wanted IS NOT NULL)
       OR EXISTS (SELECT 1 FROM hidden WHERE parent = ?)`,
    );
  }

  /** Does the directory have files that did not get their names? */
  has(parent: number): boolean {
    return this.#any.get(parent, parent) !== undefined;
  }

  /** Adds a file whose name is taken; `resolve` names it before the transaction ends. */
  insert(parent: number, wanted: string, ino: number, type: EntryType, newest: number): void {
    this.#insert.run(parent, placeholder({ wanted, ino }), ino, type, wanted, newest);
  }

  /** Takes a name away from the file that has it; `resolve` finds it another before the transaction ends. */
  displace(parent: number, name: string, holder: { ino: number; wanted: string | null }): void {
    const wanted = holder.wanted ?? name;
    this.#rename.run(placeholder({ wanted, ino: holder.ino }), wanted, parent, name);
  }

  /** Names anew all files of a directory that contend for a name. */
  resolve(parent: number, onChanged: OnChanged): void {
    const rivals = this.#rivals(parent);
    const shown = rivals.flatMap(shownOf);
    this.#setShown(parent, rivals.flat(), new Set(shown), onChanged);
    // All winners first: nobody may be displaced to a name that another file has a claim to.
    const losers = shown.filter(each => !this.#takeIfFree(parent, each, each.wanted, onChanged));
    // Names only get fewer here: of those that want the same, each goes on where the one before it found one.
    const tried = new Map<string, number>();
    for (const each of losers) {
      const key = `${each.source}\0${each.wanted}`;
      let nth = (tried.get(key) ?? 0) + 1;
      while (!this.#takeIfFree(parent, each, displacedName(each.wanted, each.source, nth), onChanged)) nth++;
      tried.set(key, nth);
    }
  }

  /** The files of a directory that did not get their names, with those that did: by wanted name, and then by id. */
  #rivals(parent: number): Contender[][] {
    const groups = new Map<string, Contender[]>();
    for (const each of [...this.#displaced.all(parent), ...this.#hidden.all(parent)]) {
      const group = groups.get(each.wanted);
      if (group) group.push(each);
      else groups.set(each.wanted, [each]);
    }
    for (const [wanted, group] of groups) {
      const holder = this.#holder.get(parent, wanted, EntryType.directory);
      if (holder) group.push(holder);
      group.sort((a, b) => a.ino - b.ino);
    }
    return [...groups.values()].sort(([a], [b]) => compare(a?.wanted ?? '', b?.wanted ?? ''));
  }

  /** Takes all names away; who is not to be shown loses the entry as well. */
  #setShown(
    parent: number,
    all: readonly Contender[],
    shown: ReadonlySet<Contender>,
    onChanged: OnChanged,
  ): void {
    for (const each of all) {
      const { name, wanted, ino, type, newest } = each;
      if (shown.has(each)) {
        if (name !== null) this.#rename.run(placeholder(each), wanted, parent, name);
        else {
          this.#unhide.run(parent, wanted, ino);
          this.insert(parent, wanted, ino, type, newest);
        }
      } else if (name !== null) {
        this.#remove.run(parent, name);
        this.#hide.run(parent, wanted, ino, type);
        onChanged(parent, name);
      }
    }
  }

  #takeIfFree(parent: number, contender: Contender, name: string, onChanged: OnChanged): boolean {
    if (this.#taken.get(parent, name)) return false;
    const wanted = name === contender.wanted ? null : contender.wanted;
    this.#rename.run(name, wanted, parent, placeholder(contender));
    if (name !== contender.name) {
      if (contender.name !== null) onChanged(parent, contender.name);
      onChanged(parent, name);
    }
    return true;
  }
}

/** Those of one name that are shown, in the order in which they have a claim to it. */
function shownOf(rivals: readonly Contender[]): readonly Contender[] {
  if (rivals.some(each => each.newest === 0)) return rivals;
  return [rivals.reduce((newest, each) => (each.mtimeUs > newest.mtimeUs ? each : newest))];
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
