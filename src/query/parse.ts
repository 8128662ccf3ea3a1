/**
 * Reads a query: `or` of `and` (also by juxtaposition) of `not`, parentheses and predicates. Every error says the column.
 * What a predicate can be is in `predicate.ts`.
 */
import { combine, type Query } from './ast.js';
import { Cursor } from './cursor.js';
import { parsePredicate } from './predicate.js';
import { QueryError } from './query-error.js';

// Bound the work on a hostile query, here and in what SQLite is made to parse.
const LONGEST = 10_000;
const DEEPEST = 50;

/** Throws a QueryError (`usage`) for what is no query. */
export function parseQuery(text: string): Query {
  if (text.length > LONGEST)
    throw new QueryError(text, LONGEST + 1, `a query has at most ${LONGEST} characters`);
  // Neither can be in the name of a file, and SQLite would change or cut them.
  const foreign = /\0|\p{Surrogate}/u.exec(text);
  if (foreign) throw new QueryError(text, foreign.index + 1, 'a character that no text has');
  return parseWhole(new Cursor(text));
}

function parseWhole(cursor: Cursor): Query {
  cursor.skipSpace();
  if (cursor.next === '')
    throw cursor.error(cursor.at, 'the query is empty', 'a query is for example: name:*.pdf and age<30d');
  const query = parseOr(cursor, 0);
  if (cursor.next === ')') throw cursor.error(cursor.at, 'a parenthesis is closed that was not opened');
  return query;
}

function parseOr(cursor: Cursor, depth: number): Query {
  const of = [parseAnd(cursor, depth)];
  while (cursor.keyword('or')) of.push(parseAnd(cursor, depth));
  return combine('or', of);
}

function parseAnd(cursor: Cursor, depth: number): Query {
  const of = [parseNot(cursor, depth)];
  while (continues(cursor)) of.push(parseNot(cursor, depth));
  return combine('and', of);
}

/** Goes past an `and`. */
function continues(cursor: Cursor): boolean {
  cursor.skipSpace();
  if (cursor.keyword('and')) return true;
  const start = cursor.at;
  const isOver = cursor.next === '' || cursor.next === ')' || cursor.keyword('or') !== undefined;
  cursor.at = start;
  return !isOver;
}

function parseNot(cursor: Cursor, depth: number): Query {
  cursor.skipSpace();
  const start = cursor.at;
  const misplaced = cursor.keyword('and', 'or');
  if (misplaced) throw cursor.error(start, `expected something to look for before ${misplaced}`);
  if (depth > DEEPEST) throw cursor.error(start, `a query is nested at most ${DEEPEST} levels deep`);
  if (cursor.keyword('not')) return { kind: 'not', of: parseNot(cursor, depth + 1) };
  if (cursor.next === '(') return parseGroup(cursor, depth + 1);
  if (cursor.next === '' || cursor.next === ')') throw cursor.error(start, 'expected something to look for');
  return parsePredicate(cursor);
}

function parseGroup(cursor: Cursor, depth: number): Query {
  const start = cursor.at;
  cursor.take('(');
  const query = parseOr(cursor, depth);
  if (!cursor.take(')')) throw cursor.error(start, 'a parenthesis that is not closed');
  return query;
}
