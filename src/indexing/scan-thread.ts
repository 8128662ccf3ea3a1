/** The thread in which a source is scanned while something else must go on: writing a large one takes seconds. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage, FacetError } from '../errors.js';
import { openCatalog } from '../tree/open-catalog.js';
import type { Batch } from './keeper.js';
import { batchOf, scan } from './scan.js';

export interface ScanThreadData {
  catalogFile: string;
  sourceId: number;
  /** Globs excluded besides the source's own. */
  exclude: readonly string[];
}

/** The one thing the thread posts. */
export type ScanMessage =
  | { kind: 'scanned'; batch: Batch }
  | { kind: 'gone' }
  | { kind: 'failed'; message: string; hint: string | undefined };

async function run({ catalogFile, sourceId, exclude }: ScanThreadData): Promise<ScanMessage> {
  try {
    const catalog = openCatalog(catalogFile, 'write');
    try {
      const source = catalog.sources.withId(sourceId);
      // Removed a moment ago: whoever keeps it is about to end this thread.
      if (!source) return { kind: 'gone' };
      const result = await scan(catalog, source, { exclude });
      return { kind: 'scanned', batch: batchOf(result) };
    } finally {
      catalog.close();
    }
  } catch (error) {
    const hint = error instanceof FacetError ? error.hint : undefined;
    return { kind: 'failed', message: errorMessage(error), hint };
  }
}

parentPort?.postMessage(await run(workerData as ScanThreadData));
