/** Cached contents of files that were renamed at their source, which stay cached, and pinned, under their new names. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceRecord } from '../../src/catalog/sources.js';
import { FacetError } from '../../src/errors.js';
import type { Renamed } from '../../src/indexing/scanning.js';
import { isDigest } from '../../src/sources/versions.js';
import { keyOf } from '../../src/volume/content-key.js';
import { openCache } from '../cache/open.js';
import type { CommandContext } from '../command.js';

/** A cache that cannot be written loses nothing but this. */
export async function moveContents(
  { home, warn }: CommandContext,
  { id, uri, name }: SourceRecord,
  renamed: readonly Renamed[],
): Promise<void> {
  const moves = renamed.flatMap(({ from, to, version }): [string, string][] =>
    version !== null && isDigest(version, uri) ? [[keyOf(id, from, version), keyOf(id, to, version)]] : [],
  );
  if (moves.length === 0 || !existsSync(join(home.cacheDir, 'index.db'))) return;
  try {
    const cache = await openCache(home, 'write');
    try {
      cache.rename(moves);
    } finally {
      cache.close();
    }
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    warn(`${name}: files that were renamed are cached and pinned no more: ${error.message}`, error.hint);
  }
}
