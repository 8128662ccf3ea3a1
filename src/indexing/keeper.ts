/** What keeps one source of a catalog true, and what it tells the process that it runs in. The kinds of it are in live.ts. */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';

/** What one look at a source changed in the catalog. */
export interface Batch {
  source: string;
  /** ISO 8601. */
  at: string;
  /** A complete listing, or only what was reported as changed. */
  extent: 'all' | 'changes';
  added: number;
  modified: number;
  renamed: number;
  deleted: number;
  seconds: number;
}

/** What whoever keeps a source tells the process. */
export interface LiveReports {
  /** Told also of complete listings that found nothing new. */
  onBatch(batch: Batch): void;
  /** Something is not well; the work goes on, or is tried again. Told once, however long it lasts. */
  onProblem(source: string, message: string, hint: string | undefined): void;
}

export interface KeeperOptions extends LiveReports {
  /** Globs excluded in every source, besides its own. */
  exclude: readonly string[];
}

export interface Keeper {
  /** Resolves when nothing of it runs any more. What it has not committed is undone. */
  stop(): Promise<void>;
}

export interface Kind {
  /** Does this kind keep the source? `named`: the user asked for it by its name, whatever its options say. */
  keeps(source: SourceRecord, named: boolean): boolean;
  /** Returns at once. Has its own ways to go on after failures, and never throws for a source that is not there now. */
  start(catalog: Catalog, source: SourceRecord, options: KeeperOptions): Keeper;
}
