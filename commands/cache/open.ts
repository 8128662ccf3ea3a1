/** Opens the cache as the configuration has it. */
import type { Cache } from '../../src/cache/cache.js';
import type { CacheAccess } from '../../src/cache/database.js';
import { loadConfig } from '../../src/config/config.js';
import type { Home } from '../../src/config/home.js';
import { FacetError } from '../../src/errors.js';

/** Undefined for a cache that nobody has made yet, and that is not to be made now. */
export async function openCache(home: Home, access: 'brief'): Promise<Cache | undefined>;
export async function openCache(home: Home, access: 'write'): Promise<Cache>;
export async function openCache(home: Home, access: CacheAccess): Promise<Cache | undefined> {
  const { Cache } = await import('../../src/cache/cache.js');
  const { maxSize, minFree, maxAge } = (await loadConfig(home)).cache;
  try {
    return Cache.open(home.cacheDir, { maxSize, minFree, maxAge }, access);
  } catch (error) {
    if (access === 'brief' && error instanceof FacetError && error.code === 'not-found') return undefined;
    throw error;
  }
}
