/** Which files are in a state of the cache: what `cached` and `pinned` ask for in queries. */
import type { Cache } from '../cache/cache.js';
import type { FileRecord } from '../catalog/files.js';
import type { Query, State } from '../query/ast.js';
import { withFiles } from '../query/states.js';
import { contentKey, parseContentKey } from './content-key.js';
import type { Volume } from './volume.js';

/** The query as it is asked of this cache, undefined where there is none, at this moment. */
export function withStates(query: Query, volume: Volume, cache: Cache | undefined): Query {
  const filesOf = (state: State) => new Set(cache && IN_STATE[state](volume, cache));
  return withFiles(query, filesOf);
}

const IN_STATE: Readonly<Record<State, (volume: Volume, cache: Cache) => Iterable<number>>> = {
  *cached(volume, cache) {
    for (const { key, isWhole } of cache.list()) {
      const file = isWhole ? fileOfKey(volume, key) : undefined;
      if (file && contentKey(file) === key) yield file.id;
    }
  },
  // In whatever version: who pinned a file that has changed since wants the new one as well.
  *pinned(volume, cache) {
    for (const key of cache.pinned('')) {
      const file = fileOfKey(volume, key);
      if (file) yield file.id;
    }
  },
};

/** In whatever version; undefined for what the catalog does not have any more. */
export function fileOfKey({ files }: Volume, key: string): FileRecord | undefined {
  const place = parseContentKey(key);
  return place && files.find(place.sourceId, place.path);
}
