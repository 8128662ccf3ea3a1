/** What tells of the files of MetaMesh, and of each change to them: a Redis, or the API before one. */
import type { StreamEntry } from './format.js';

export interface KnownEntry {
  id: string;
  /** How many entries there ever were up to this one; undefined where nobody tells. */
  nth: number | undefined;
}

/**
 * When the connection is lost, every call throws `unreachable`, and whoever follows opens it anew. Each throws `denied` when it
 * is refused, `failed` when what answers is no MetaMesh.
 */
export interface Feed {
  /** Where it is, for messages. */
  readonly name: string;
  /** The texts under these keys, in their order. */
  texts(keys: readonly string[]): Promise<(string | null)[]>;
  /** The entries after this one, at most `count`: none when it is the last one. */
  entries(after: string, count: number): Promise<StreamEntry[]>;
  /** As `entries`; waits for the first one, but no longer than `waitMs`. */
  nextEntries(after: string, count: number, waitMs: number): Promise<StreamEntry[]>;
  /** Did the entries that were asked for last go on from this one? Otherwise what came after it may be lost. */
  holds(id: string): Promise<boolean>;
  /** The newest entry that there ever was, or one before it. */
  lastEntry(): Promise<KnownEntry>;
  /** Notes under the key that this entry was there: what loses its past has no such mark. Not where that is refused. */
  mark(key: string, id: string): Promise<void>;
  /**
   * Is it only trimmed, and this entry is among those that it has forgotten? Then the entry's mark is still there, and at least
   * as many entries as there were up to it are forgotten. False where nobody can tell.
   */
  isTrimmedPast(entry: KnownEntry, key: string): Promise<boolean>;
  /** Every member of a set that is in it all the time, in batches of about `count`; one may be in two of them. */
  members(set: string, count: number): AsyncGenerator<string[]>;
  /** All keys that match, in batches. */
  keys(pattern: string): AsyncGenerator<string[]>;
  close(): void;
}
