/**
 * Reads the tree: a lookup, the attributes of an inode, a directory page by page. Every answer is one indexed query, so it
 * takes the same time whatever the number of files.
 */
import type { Database, Statement } from 'better-sqlite3';
import { entryType } from '../catalog/files.js';
import { EntryType } from '../catalog/projector.js';
import { ROOT_INODE } from '../catalog/schema.js';

/** A file, link or directory of the tree. */
export interface Node {
  ino: number;
  type: EntryType;
  /** Bytes; 0 for a directory. */
  size: number;
  mtimeUs: number;
  /** st_mode, as it is at the origin. */
  mode: number;
  /** Of a remote file: other contents have another one, even when size and time are the same. */
  version: string | null;
}

/** A name in a directory, and what it leads to. */
export interface Name {
  name: string;
  ino: number;
  type: EntryType;
}

export interface NamedNode extends Node, Name {}

/** Entries read at once. */
const PAGE = 512;

/** Rows come as arrays: SQLite's binding makes those twice as fast as objects. */
type NodeRow = [
  ino: number,
  type: EntryType,
  size: number,
  mtimeUs: number,
  mode: number,
  version: string | null,
];
type NamedRow = [name: string, ...NodeRow];
type NameRow = [name: string, ino: number, type: EntryType];

const NODE = `e.ino, e.type, coalesce(f.size, 0), coalesce(f.mtime_us, d.mtime_us), coalesce(f.mode, d.mode), f.version`;
const JOINED = `entries e LEFT JOIN files f ON f.id = e.ino AND e.type <> ${EntryType.directory}
  LEFT JOIN dirs d ON d.ino = e.ino AND e.type = ${EntryType.directory}`;

export class Tree {
  readonly #db: Database;
  readonly #lookup: Statement<[number, string], NodeRow>;
  readonly #file: Statement<[number], Pick<Node, 'size' | 'mtimeUs' | 'mode' | 'version'>>;
  readonly #directory: Statement<[number], { mtimeUs: number; mode: number; parent: number }>;
  /** By limit: a bound LIMIT would make SQLite plan the query anew each time, which doubles its cost. */
  readonly #lists = new Map<number, Statement<[number, string], NamedRow>>();
  readonly #nameLists = new Map<number, Statement<[number, string], NameRow>>();
  readonly #totals: Statement<[], { files: number; bytes: number }>;
  readonly #names: Statement<[number], { parent: number; name: string }>;

  constructor(db: Database) {
    this.#db = db;
    this.#lookup = db
      .prepare<[number, string], NodeRow>(`SELECT ${NODE} FROM ${JOINED} WHERE e.parent = ? AND e.name = ?`)
      .raw();
    this.#file = db.prepare(
      'SELECT size, mtime_us AS mtimeUs, mode, version FROM files WHERE id = ? AND deleted_at IS NULL',
    );
    this.#directory = db.prepare('SELECT mtime_us AS mtimeUs, mode, parent FROM dirs WHERE ino = ?');
    this.#totals = db.prepare(
      'SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM files WHERE deleted_at IS NULL',
    );
    this.#names = db.prepare('SELECT parent, name FROM entries WHERE ino = ? ORDER BY parent, name');
  }

  /** What a directory has under a name. */
  lookup(parent: number, name: string): Node | undefined {
    const row = this.#lookup.get(parent, name);
    if (!row) return undefined;
    const [ino, type, size, mtimeUs, mode, version] = row;
    return { ino, type, size, mtimeUs, mode, version };
  }

  /** The inode's attributes; undefined when there is no such inode (any more). */
  node(ino: number): Node | undefined {
    const file = this.#file.get(ino);
    if (file) return { ino, type: entryType(file.mode), ...file };
    const directory = this.#directory.get(ino);
    if (!directory) return undefined;
    const { mtimeUs, mode } = directory;
    return { ino, type: EntryType.directory, size: 0, mtimeUs, mode, version: null };
  }

  /** The directory above a directory; the root is above itself. */
  parentOf(ino: number): number | undefined {
    return this.#directory.get(ino)?.parent;
  }

  /** The entries of a directory, in the order of their names' bytes. */
  *entries(ino: number): Generator<NamedNode> {
    for (let after = ''; ; ) {
      const page = this.list(ino, after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)?.name ?? '';
    }
  }

  /** Up to `limit` entries with names after `after` ('' for the first). Callers use few different limits. */
  list(ino: number, after: string, limit: number): NamedNode[] {
    return this.#listing(limit)
      .all(ino, after)
      .map(([name, node, type, size, mtimeUs, mode, version]) => ({
        name,
        ino: node,
        type,
        size,
        mtimeUs,
        mode,
        version,
      }));
  }

  /** As `list`, without attributes: that takes a third of the time. */
  names(ino: number, after: string, limit: number): Name[] {
    return this.#namesListing(limit)
      .all(ino, after)
      .map(([name, node, type]) => ({ name, ino: node, type }));
  }

  #listing(limit: number): Statement<[number, string], NamedRow> {
    return kept(this.#lists, limit, () => this.#page(NODE, JOINED, limit));
  }

  #namesListing(limit: number): Statement<[number, string], NameRow> {
    return kept(this.#nameLists, limit, () => this.#page('e.ino, e.type', 'entries e', limit));
  }

  #page<Row>(columns: string, tables: string, limit: number): Statement<[number, string], Row> {
    return this.#db
      .prepare<[number, string], Row>(
        `SELECT e.name, ${columns} FROM ${tables} WHERE e.parent = ? AND e.name > ? ORDER BY e.name LIMIT ${limit}`,
      )
      .raw();
  }

  /** How many files there are and their bytes; takes time in proportion. */
  totals(): { files: number; bytes: number } {
    return this.#totals.get() ?? { files: 0, bytes: 0 };
  }

  /** The node at a path (`/docs/a.pdf`; slashes at the ends and in a row do not matter). */
  resolve(path: string): Node | undefined {
    let node = this.node(ROOT_INODE);
    for (const name of path.split('/')) {
      if (name === '' || name === '.') continue;
      node = node && this.lookup(node.ino, name);
    }
    return node;
  }

  /** Every path at which an inode appears, each with its leading slash. */
  pathsOf(ino: number): string[] {
    if (ino === ROOT_INODE) return ['/'];
    return this.#names.all(ino).map(({ parent, name }) => `${this.directoryPath(parent)}/${name}`);
  }

  /** The path of a directory with its leading slash; '' of the root. */
  directoryPath(ino: number): string {
    if (ino === ROOT_INODE) return '';
    const entry = this.#names.get(ino);
    return entry ? `${this.directoryPath(entry.parent)}/${entry.name}` : '';
  }
}

function kept<Value>(values: Map<number, Value>, key: number, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  const value = make();
  values.set(key, value);
  return value;
}
