/** What the SQL of one query is made with. */
import type { Value } from '../query/facts.js';
import type { LabelRule } from './facts.js';
import type { QueryTests } from './query-tests.js';

export interface SqlContext {
  readonly tests: QueryTests;
  readonly labelRules: readonly LabelRule[];
  /** Milliseconds since the epoch, a whole number. */
  readonly now: number;
  /** Is the answer to be one for every moment from `now` on? `may` is then for files that match at any of them, `must` at all. */
  readonly evermore: boolean;
  readonly node: string;
  /** An index finds few files already, each of which is then asked for its properties; else all properties are read at once. */
  readonly fewFiles: boolean;
  /** Takes a parameter; returns its place in the SQL. */
  bind(value: Value): string;
}
