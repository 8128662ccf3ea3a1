/** Opens the cache as the configuration has it. */
import type { Cache } from '../../src/cache/cache.js';
import { ifThere } from '../../src/cache/cache-error.js';
import type { CacheAccess } from '../../src/cache/database.js';
import { loadConfig } from '../../src/config/config.js';
import type { Home } from '../../src/config/home.js';

/** Undefined for a cache that nobody has made yet, and that is not to be made now. */
export async function openCache(home: Home, access: 'brief'): Promise<Cache | undefined>;
export async function openCache(home: Home, access: 'write'): Promise<Cache>;
export async function openCache(home: Home, access: CacheAccess): Promise<Cache | undefined> {
  const { Cache } = await import('../../src/cache/cache.js');
  const { maxSize, minFree, maxAge } = (await loadConfig(home)).cache;
  const open = () => Cache.open(home.cacheDir, { maxSize, minFree, maxAge }, access);
  return access === 'brief' ? ifThere(open) : open();
}

/** Uses the cache for a moment, also one whose disk is full; `use` is given undefined where nobody has made one yet. */
export async function inCache<Result>(
  home: Home,
  use: (cache: Cache | undefined) => Result,
): Promise<Result> {
  const cache = await openCache(home, 'brief');
  try {
    return use(cache);
  } finally {
    cache?.close();
  }
}
