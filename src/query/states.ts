/**
 * What a query can ask of the cache of this machine. The cache changes all the time and tells nobody, so whoever asks says which
 * files are in a state now; a rule, which holds until something changes, cannot ask.
 */
import { FacetError } from '../errors.js';
import type { Query, State } from './ast.js';
import { QueryError } from './query-error.js';

type StateQuery = Extract<Query, { kind: 'state' }>;

export function statesIn(query: Query): StateQuery[] {
  switch (query.kind) {
    case 'and':
    case 'or':
      return query.of.flatMap(statesIn);
    case 'not':
      return statesIn(query.of);
    case 'state':
      return [query];
    default:
      return [];
  }
}

/** Throws `usage` where nobody has said which files are in the state. */
export function filesIn({ state, files }: StateQuery): ReadonlySet<number> {
  if (files) return files;
  throw new FacetError('usage', `whether a file is ${state} cannot be asked here`);
}

/** The same query, which knows the ids of the files that are in the states it asks for. */
export function withFiles(query: Query, filesOf: (state: State) => ReadonlySet<number>): Query {
  switch (query.kind) {
    case 'and':
    case 'or':
      return { ...query, of: query.of.map(each => withFiles(each, filesOf)) };
    case 'not':
      return { ...query, of: withFiles(query.of, filesOf) };
    case 'state':
      return { ...query, files: filesOf(query.state) };
    default:
      return query;
  }
}

/** Throws a QueryError when it asks for a state. `text` is the query's. */
export function refuseStates(query: Query, text: string): void {
  const [first] = statesIn(query);
  if (!first) return;
  throw new QueryError(
    text,
    first.column ?? 1,
    `a rule cannot ask whether a file is ${first.state}`,
    'that differs from machine to machine and from one moment to the next; to find it in names, put it in quotes',
  );
}
