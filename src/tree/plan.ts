/**
 * What a change of rules would do to the tree. The change is made by the same code that applies it, in a transaction that
 * is rolled back; another connection sees the tree as it is meanwhile, and the two are compared directory by directory
 * where anything changed. The result is in a database of its own, so that memory stays flat whatever the number of files.
 */
import Database from 'better-sqlite3';
import type { Catalog } from '../catalog/catalog.js';
import { openDatabase } from '../catalog/database.js';
import { EntryType } from '../catalog/projector.js';
import type { CatalogWriter } from '../catalog/writer.js';
import { Tree } from './tree.js';
import { TreeChangeReader } from './tree-changes.js';

/** Paths with a leading slash. `hidden` and `displaced` are files that do not get the path they ask for. */
export type PlannedChange =
  | { change: 'added' | 'removed'; path: string; id: number }
  | { change: 'moved'; path: string; from: string; id: number }
  | { change: 'displaced'; path: string; wanted: string; id: number }
  | { change: 'hidden'; wanted: string; id: number };

export interface PlanTotals {
  added: number;
  removed: number;
  moved: number;
  /** Files that are displaced or hidden, and are not now. */
  collisions: number;
  /** Files that would be nowhere in the tree. */
  nowhere: number;
}

interface Row {
  name: string;
  ino: number;
  type: EntryType;
  wanted: string | null;
}

const LISTING = 'SELECT name, ino, type, wanted FROM entries WHERE parent = ? ORDER BY name';

export class Plan {
  readonly totals: PlanTotals;
  readonly #db: Database.Database;

  /** Plans `change`, and undoes it. */
  constructor(catalog: Catalog, change: (writer: CatalogWriter) => void) {
    // A nameless database is a temporary file that goes with its connection.
    this.#db = new Database('');
    this.#db.exec(`CREATE TABLE seen(path TEXT, ino INTEGER, kind TEXT, wanted TEXT); BEGIN`);
    const before = openDatabase(catalog.file, 'read');
    try {
      before.exec('BEGIN');
      const lastChange = before.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM tree_changes').pluck();
      const since = lastChange.get() ?? 0;
      const nowhere = catalog.preview(change, () => {
        new Comparison(before, catalog.db, this.#db).run(since);
        return countNowhere(catalog.db);
      });
      this.#db.exec(PAIRS);
      this.totals = { ...this.#count(), nowhere };
    } finally {
      before.close();
    }
  }

  #count(): Omit<PlanTotals, 'nowhere'> {
    const totals = { added: 0, removed: 0, moved: 0, collisions: 0 };
    const counts = this.#db.prepare<[], { change: PlannedChange['change']; n: number }>(
      'SELECT change, count(*) AS n FROM changes GROUP BY change',
    );
    for (const { change, n } of counts.all()) {
      totals[change === 'displaced' || change === 'hidden' ? 'collisions' : change] += n;
    }
    return totals;
  }

  /** In the order of the paths. */
  changes(): IterableIterator<PlannedChange> {
    return this.#db
      .prepare<[], PlannedChange>('SELECT * FROM changes ORDER BY coalesce(path, wanted), change')
      .iterate();
  }

  close(): void {
    this.#db.close();
  }
}

/** Of a file that leaves some paths and gets others, the first leads to the first. */
const PAIRS = `
  CREATE TABLE changes(change TEXT, path TEXT, "from" TEXT, wanted TEXT, id INTEGER);
  CREATE TEMP TABLE ranked AS
    SELECT path, ino, kind, row_number() OVER (PARTITION BY ino, kind ORDER BY path) AS nth FROM seen
    WHERE kind IN ('added', 'removed');
  CREATE INDEX ranked_file ON ranked(ino, nth, kind);
  INSERT INTO changes
    SELECT 'moved', a.path, r.path, NULL, a.ino FROM ranked a JOIN ranked r USING (ino, nth)
    WHERE a.kind = 'added' AND r.kind = 'removed';
  INSERT INTO changes
    SELECT kind, path, NULL, NULL, ino FROM ranked a
    WHERE NOT EXISTS (SELECT 1 FROM ranked o WHERE o.ino = a.ino AND o.nth = a.nth AND o.kind <> a.kind);
  INSERT INTO changes SELECT kind, path, NULL, wanted, ino FROM seen WHERE kind IN ('displaced', 'hidden');
`;

function countNowhere(db: Database.Database): number {
  const count = db
    .prepare<[], number>(
      `SELECT count(*) FROM files f WHERE deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM entries WHERE ino = f.id)`,
    )
    .pluck();
  return count.get() ?? 0;
}

class Comparison {
  readonly #before: Tree;
  readonly #after: Tree;
  readonly #listBefore: Database.Statement<[number], Row>;
  readonly #listAfter: Database.Statement<[number], Row>;
  readonly #hiddenBefore: Database.Statement<[number], { wanted: string; ino: number }>;
  readonly #hiddenAfter: Database.Statement<[number], { wanted: string; ino: number }>;
  readonly #changed: Database.Statement<[number], { parent: number }>;
  readonly #all: Database.Statement<[], { parent: number }>;
  readonly #changes: TreeChangeReader;
  readonly #see: Database.Statement<[string | null, number, string, string | null]>;

  constructor(before: Database.Database, after: Database.Database, seen: Database.Database) {
    this.#before = new Tree(before);
    this.#after = new Tree(after);
    this.#listBefore = before.prepare(LISTING);
    this.#listAfter = after.prepare(LISTING);
    const hidden = 'SELECT wanted, ino FROM hidden WHERE parent = ?';
    this.#hiddenBefore = before.prepare(hidden);
    this.#hiddenAfter = after.prepare(hidden);
    this.#changed = after.prepare('SELECT DISTINCT parent FROM tree_changes WHERE seq > ?');
    this.#all = before.prepare('SELECT ino AS parent FROM dirs');
    this.#changes = new TreeChangeReader(after);
    this.#see = seen.prepare('INSERT INTO seen(path, ino, kind, wanted) VALUES (?, ?, ?, ?)');
  }

  /** Compares every directory that changed after the entry `since` of the tree's changes. */
  run(since: number): void {
    const isEverything = this.#changes.after(since, 1) === undefined;
    // What is in a directory that is new is seen from the one above.
    const changed = isEverything ? this.#all.all() : this.#changed.all(since);
    for (const { parent } of changed) this.#compare(parent);
  }

  #compare(parent: number): void {
    const [before, after] = [byName(this.#listBefore.all(parent)), byName(this.#listAfter.all(parent))];
    this.#displaced(parent, before.values(), after.values());
    const gone = [...before.values()].filter(each => after.get(each.name)?.ino !== each.ino);
    const come = [...after.values()].filter(each => before.get(each.name)?.ino !== each.ino);
    if (gone.length > 0) this.#removed(this.#before.directoryPath(parent), gone);
    if (come.length > 0) this.#added(this.#after.directoryPath(parent), come);
    this.#hidden(parent);
  }

  /** What was in a directory that is gone has changes of its own. */
  #removed(directory: string, rows: readonly Row[]): void {
    for (const { name, ino, type } of rows) {
      if (type !== EntryType.directory) this.#see.run(`${directory}/${name}`, ino, 'removed', null);
    }
  }

  /** Nothing is recorded of what is in a directory that is new. */
  #added(directory: string, rows: readonly Row[]): void {
    for (const { name, ino, type } of rows) {
      const path = `${directory}/${name}`;
      if (type !== EntryType.directory) this.#see.run(path, ino, 'added', null);
      else if (!this.#before.node(ino)) {
        const below = this.#listAfter.all(ino);
        this.#added(path, below);
        this.#displaced(ino, [], below);
        this.#hidden(ino);
      }
    }
  }

  /** A file that is displaced already, and would only be called something else, is no new collision. */
  #displaced(parent: number, before: Iterable<Row>, after: Iterable<Row>): void {
    const keyOf = ({ ino, wanted }: Row) => `${ino}/${wanted}`;
    const known = new Set(Array.from(before, keyOf));
    for (const row of after) {
      if (row.wanted === null || known.has(keyOf(row))) continue;
      const directory = this.#after.directoryPath(parent);
      this.#see.run(`${directory}/${row.name}`, row.ino, 'displaced', `${directory}/${row.wanted}`);
    }
  }

  #hidden(parent: number): void {
    const before = new Set(this.#hiddenBefore.all(parent).map(({ wanted, ino }) => `${ino}/${wanted}`));
    for (const { wanted, ino } of this.#hiddenAfter.all(parent)) {
      if (before.has(`${ino}/${wanted}`)) continue;
      this.#see.run(null, ino, 'hidden', `${this.#after.directoryPath(parent)}/${wanted}`);
    }
  }
}

function byName(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map(row => [row.name, row]));
}
