/**
 * Brings the catalog up to date with a source: by listing it, or by what its stream says. What only one of the two needs is
 * loaded for that one.
 */
import { type Catalog, WATCHER_MS } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import { FacetError, type FacetErrorCode } from '../errors.js';
import { nothingSkipped } from '../sources/source.js';
import { isStream } from '../sources/stream-uri.js';
import type { Batch } from './keeper.js';
import { NOTHING_YET, type ScanOptions, type ScanResult } from './scanning.js';
import { secondsSince } from './seconds-since.js';

/** Why a source cannot be listed now. */
const UNAVAILABLE: ReadonlySet<FacetErrorCode> = new Set(['unreachable', 'denied', 'not-found']);

/**
 * Scans one source. Throws `unreachable` (and notes it in the source's state) when it cannot be listed, `in-use` when
 * another process is scanning it, `not-found` when it was removed, `usage` for a malformed glob, `failed` when most of its
 * files seem to be gone.
 */
export async function scan(
  catalog: Catalog,
  source: SourceRecord,
  options: ScanOptions = {},
): Promise<ScanResult> {
  const lock = catalog.lockSource(source, options.lockMs ?? WATCHER_MS);
  try {
    if (!catalog.sources.withId(source.id)) {
      throw new FacetError('not-found', `the source ${source.name} was removed a moment ago`, {
        hint: 'see which there are: facet index status',
      });
    }
    const startedAt = performance.now();
    const result = nothingYet(source);
    if (isStream(source.uri)) await catchUp(catalog, source, options, result);
    else await (await import('./list-source.js')).listSource(catalog, source, options, result);
    noteScan(catalog, source);
    return { ...result, seconds: secondsSince(startedAt) };
  } catch (error) {
    if (error instanceof FacetError && UNAVAILABLE.has(error.code)) {
      catalog.write(() => catalog.sources.setUnavailable(source.id, error.message, error.hint));
    }
    throw error;
  } finally {
    lock.release();
  }
}

/** A stream says by itself what has changed. */
async function catchUp(
  catalog: Catalog,
  source: SourceRecord,
  options: ScanOptions,
  result: ScanResult,
): Promise<void> {
  const { catchUpOnce } = await import('./stream/catch-up.js');
  const counts = await catchUpOnce(catalog, source, {
    exclude: options.exclude ?? [],
    allowShrink: options.allowShrink ?? false,
    full: options.hash === 'all',
    signal: options.signal ?? new AbortController().signal,
    onProgress: files => options.onProgress?.({ phase: 'listing', files, folders: 0, hashed: 0 }),
  });
  const totals = catalog.files.totals(source.id);
  const changed = counts.added + counts.modified + counts.renamed;
  Object.assign(result, totals, counts, { unchanged: Math.max(0, totals.files - changed) });
}

function nothingYet({ name }: SourceRecord): ScanResult {
  return {
    ...{ source: name, ...NOTHING_YET, hashed: 0, seconds: 0, unreadable: [] },
    skipped: nothingSkipped(),
  };
}

function noteScan(catalog: Catalog, source: SourceRecord): void {
  catalog.write(() => catalog.sources.setScanned(source.id, new Date().toISOString()));
  catalog.prune();
}

/** What a complete scan is to whoever follows a source. */
export function batchOf({ source, added, modified, renamed, deleted, seconds }: ScanResult): Batch {
  const at = new Date().toISOString();
  return { source, at, extent: 'all', added, modified, renamed, deleted, seconds };
}
