/**
 * Finds the files of the catalog that a query asks for: SQLite does as much of it as it can, and what it cannot say is
 * asked of the files that it finds. Memory does not grow with the number of files.
 */
import { hostname } from 'node:os';
import type { Database } from 'better-sqlite3';
import type { Query } from '../query/ast.js';
import { compilePredicate } from '../query/compile.js';
import type { Value } from '../query/facts.js';
import { FileFacts, type LabelRule } from './facts.js';
import { type FileRecord, RECORD_COLUMNS } from './files.js';
import { boundsOf, findsFewFiles } from './query-sql.js';
import { QueryTests } from './query-tests.js';

export interface SearchOptions {
  /** Labels that files have by their paths. */
  labelRules?: readonly LabelRule[];
  /** Milliseconds since the epoch, a whole number: what ages count to. The present when left out. */
  now?: number;
  /** Files, at most. */
  limit?: number;
}

/** A condition over `files f`, `folders d` and `sources s`: true for every file that matches. */
export interface SearchCondition {
  sql: string;
  params: Readonly<Record<string, Value>>;
  /** True for no other file. */
  exact: boolean;
}

export class Search {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The files that match and are there, in the order of their ids. The catalog must not be written to by the same connection meanwhile. */
  *find(query: Query, options: SearchOptions = {}): Generator<FileRecord, void, undefined> {
    const { labelRules = [], now = Date.now(), limit = Infinity } = options;
    const tests = new QueryTests(this.#db);
    try {
      const condition = conditionOf(query, tests, labelRules, now);
      let found = 0;
      for (const record of this.#filtered(query, condition, labelRules, now)) {
        if (found++ >= limit) return;
        yield record;
      }
    } finally {
      tests.drop();
    }
  }

  #filtered(
    query: Query,
    { sql, params, exact }: SearchCondition,
    labelRules: readonly LabelRule[],
    now: number,
  ): Iterable<FileRecord> {
    // Crossed, so that SQLite looks for folders and sources only of files that its first conditions leave.
    const records = this.#db
      .prepare<[Readonly<Record<string, Value>>], FileRecord>(
        `SELECT ${RECORD_COLUMNS} FROM files f CROSS JOIN folders d ON d.id = f.folder_id
         CROSS JOIN sources s ON s.id = d.source_id WHERE f.deleted_at IS NULL AND ${sql} ORDER BY f.id`,
      )
      .iterate(params);
    return exact ? records : asked(records, query, new FileFacts(this.#db, labelRules), now);
  }
}

function* asked(
  records: Iterable<FileRecord>,
  query: Query,
  facts: FileFacts,
  now: number,
): Iterable<FileRecord> {
  const predicate = compilePredicate(query);
  const clock = { now, due: Infinity };
  for (const record of records) if (predicate(facts.of(record), clock)) yield record;
}

/** Holds until the tests are dropped. With `evermore` it is true for every file that matches, or will when time passes. */
export function conditionOf(
  query: Query,
  tests: QueryTests,
  labelRules: readonly LabelRule[],
  now: number,
  { evermore = false } = {},
): SearchCondition {
  const params: Record<string, Value> = {};
  let count = 0;
  const bind = (value: Value) => {
    const name = `p${++count}`;
    params[name] = value;
    return `@${name}`;
  };
  const fewFiles = findsFewFiles(query);
  const context = { tests, labelRules, now, evermore, node: hostname(), fewFiles, bind };
  const { may, must } = boundsOf(query, context);
  return { sql: may, params, exact: may === must };
}
