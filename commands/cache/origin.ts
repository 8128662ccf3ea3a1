/** What a user calls the contents that the cache has under a key. */
import type { Sources } from '../../src/catalog/sources.js';
import { parseContentKey } from '../../src/volume/content-key.js';

export interface Origin {
  /** `films:dune.mkv`; the source is its number where it was removed. */
  origin: string;
  /** Which version of the file: the catalog may know a later one. */
  version: string;
}

export function originsOf(sources: Sources): (key: string) => Origin {
  const names = new Map(sources.all().map(({ id, name }) => [id, name]));
  return key => {
    const { sourceId, path = '', version = '' } = parseContentKey(key) ?? {};
    const source = sourceId === undefined ? '' : (names.get(sourceId) ?? sourceId);
    return { origin: `${source}:${path}`, version };
  };
}
