/**
 * What SQLite cannot ask by itself it asks JavaScript: `query_test(key, value)`, three times as fast as to fetch the row
 * and look at it.
 */
import type { Database } from 'better-sqlite3';
import type { Value } from '../query/facts.js';
import type { Asks } from '../query/text-test.js';

type Tests = Map<number, (value: unknown) => boolean>;

/** By connection, because a function that is defined again would forget the tests of statements that still run. */
const known = new WeakMap<Database, Tests>();

let lastKey = 0;

function testsOf(db: Database): Tests {
  const tests: Tests = known.get(db) ?? new Map();
  if (known.has(db)) return tests;
  known.set(db, tests);
  db.function('query_test', (key, value) => (tests.get(Number(key))?.(value) === true ? 1 : 0));
  return tests;
}

/** The tests of one statement: they are to be dropped after it. */
export class QueryTests {
  readonly #tests: Tests;
  readonly #keys: number[] = [];

  constructor(db: Database) {
    this.#tests = testsOf(db);
  }

  /** SQL that asks a text. Of NULL nothing is true. */
  ofText(asks: Asks<string>, sql: string): string {
    return this.#add(value => typeof value === 'string' && asks(value), sql);
  }

  /** SQL that asks one value of a property. */
  ofValue(asks: Asks<Value>, sql: string): string {
    return this.#add(value => (typeof value === 'string' || typeof value === 'number') && asks(value), sql);
  }

  #add(test: (value: unknown) => boolean, sql: string): string {
    const key = ++lastKey;
    this.#tests.set(key, test);
    this.#keys.push(key);
    return `query_test(${key}, ${sql})`;
  }

  drop(): void {
    for (const key of this.#keys) this.#tests.delete(key);
  }
}
