/** A query as it was understood. Everything but text has been read: sizes are bytes, durations milliseconds. */
import type { Period } from './period.js';

export type Order = '<' | '<=' | '>' | '>=';
export type Comparison = '=' | Order;

/** What a text is asked. Patterns are as written; a regular expression has RE2's syntax. */
export type TextTest =
  | { readonly op: Comparison; readonly value: string }
  | { readonly op: 'glob'; readonly pattern: string }
  | { readonly op: 'regex'; readonly pattern: string; readonly ignoreCase: boolean };

/** Texts that every file has by itself. */
export const TEXT_FIELDS = ['name', 'fileName', 'stem', 'path', 'dir', 'source', 'node'] as const;

/** Those that are compared whatever the case. */
export const FOLDED_FIELDS = ['ext', 'mime', 'type'] as const;

export type FoldedField = (typeof FOLDED_FIELDS)[number];
export type TextField = (typeof TEXT_FIELDS)[number] | FoldedField;

/** What a file can be in the cache of this machine. */
export const STATES = ['cached', 'pinned'] as const;
export type State = (typeof STATES)[number];

/** `!=` is `not` of `=`, `is missing` is `not` of `present`, and `in` is an `or` of `=`. */
export type Query =
  /** At least two; none of the same kind. */
  | { readonly kind: 'and' | 'or'; readonly of: readonly Query[] }
  | { readonly kind: 'not'; readonly of: Query }
  /** The name contains it, whatever the case. */
  | { readonly kind: 'contains'; readonly text: string }
  /** A folded field's value is in lower case, without a dot in front of an extension; a path has no slash in front. */
  | { readonly kind: 'text'; readonly field: TextField; readonly test: TextTest }
  /** Any of the file's effective labels. */
  | { readonly kind: 'label'; readonly test: TextTest }
  | { readonly kind: 'size'; readonly op: Comparison; readonly bytes: number }
  | { readonly kind: 'age'; readonly field: 'age' | 'accessed'; readonly op: Order; readonly ms: number }
  | { readonly kind: 'mtime'; readonly op: Comparison; readonly period: Period }
  /** Any of the property's values. The column, from 1, is where a query's text names it. */
  | {
      readonly kind: 'property';
      readonly name: string;
      readonly test: TextTest;
      readonly column?: number;
    }
  /** The column, from 1, is where the text names it. `files` are the ids of those that are so, once somebody has said which. */
  | {
      readonly kind: 'state';
      readonly state: State;
      readonly column?: number;
      readonly files?: ReadonlySet<number>;
    }
  /** A value of its own or a property: there is one, whatever it is. */
  | { readonly kind: 'present'; readonly field: string; readonly column?: number };

/** All of them, or any of them: one level, however they were grouped. */
export function combine(kind: 'and' | 'or', queries: readonly Query[]): Query {
  const of = queries.flatMap(query => (query.kind === kind ? query.of : [query]));
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { kind, of };
}
