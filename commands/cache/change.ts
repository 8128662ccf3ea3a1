/** Changes of the cache that follow from those of the catalog. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cache } from '../../src/cache/cache.js';
import { FacetError } from '../../src/errors.js';
import type { CommandContext } from '../command.js';
import { openCache } from './open.js';

/** Where there is a cache. One that cannot be written loses nothing but this, which `lost` says. */
export async function changeCache(
  { home, warn }: CommandContext,
  lost: string,
  change: (cache: Cache) => void,
): Promise<void> {
  if (!existsSync(join(home.cacheDir, 'index.db'))) return;
  try {
    const cache = await openCache(home, 'write');
    try {
      change(cache);
    } finally {
      cache.close();
    }
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    warn(`${lost}: ${error.message}`, error.hint);
  }
}
