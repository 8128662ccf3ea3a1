/** What the rules of other programs ask of files, as queries of facet. */
import { FacetError } from '../errors.js';
import { type Comparison, combine, type Query, type TextTest } from '../query/ast.js';
import { isTextField } from '../query/fields.js';
import { formatQuery } from '../query/format.js';
import { parseQuery } from '../query/parse.js';
import { QueryError } from '../query/query-error.js';

/** Every file has a name. */
export const ALWAYS: Query = { kind: 'present', field: 'name' };
export const NEVER: Query = { kind: 'not', of: ALWAYS };

/** All of them; for none, every file. */
export function allOf(queries: readonly Query[]): Query {
  return combined('and', queries, ALWAYS, NEVER);
}

/** Any of them; for none, no file. */
export function anyOf(queries: readonly Query[]): Query {
  return combined('or', queries, NEVER, ALWAYS);
}

/** `idle` changes nothing among the others, `decisive` settles it. */
function combined(kind: 'and' | 'or', queries: readonly Query[], idle: Query, decisive: Query): Query {
  if (queries.includes(decisive)) return decisive;
  const telling = queries.filter(query => query !== idle);
  return telling.length === 0 ? idle : combine(kind, telling);
}

export function negate(query: Query): Query {
  if (query === NEVER) return ALWAYS;
  if (query === ALWAYS) return NEVER;
  return query.kind === 'not' ? query.of : { kind: 'not', of: query };
}

/** What a file has by itself, its labels, or a property. */
export function about(field: string, test: TextTest): Query {
  if (isTextField(field)) return { kind: 'text', field, test };
  return field === 'label' ? { kind: 'label', test } : { kind: 'property', name: field, test };
}

export function compared(field: string, op: Comparison, value: string): Query {
  if (field === 'size') return { kind: 'size', op, bytes: Number(value) };
  return about(field, { op, value });
}

export function matched(field: string, pattern: string, ignoreCase = false): Query {
  return about(field, { op: 'regex', pattern, ignoreCase });
}

/** For the middle of a regular expression. */
export function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Notes what cannot be carried over. */
export type Warn = (message: string) => void;

/** The query as facet reads it; one that makes no sense, such as one with a malformed pattern, matches nothing. */
export function usable(query: Query, what: string, warn: Warn): Query {
  if (query === ALWAYS || query === NEVER) return query;
  try {
    return parseQuery(formatQuery(query));
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    warn(`${what} never matches: ${error instanceof QueryError ? error.says : error.message}`);
    return NEVER;
  }
}
