/** Queries of commands, which may ask for what is cached: the cache is opened for those that do. */
import type { Home } from '../src/config/home.js';
import type { Query } from '../src/query/ast.js';
import { statesIn } from '../src/query/states.js';
import type { Volume } from '../src/volume/volume.js';

/** The query as it is asked at this moment. */
export async function withStates(query: Query, volume: Volume, home: Home): Promise<Query> {
  if (statesIn(query).length === 0) return query;
  const [{ inCache }, states] = await Promise.all([
    import('./cache/open.js'),
    import('../src/volume/cache-states.js'),
  ]);
  return inCache(home, cache => states.withStates(query, volume, cache));
}
