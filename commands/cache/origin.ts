/** What a user calls the contents that the cache has under a key. */
import type { Sources } from '../../src/catalog/sources.js';

export interface Origin {
  /** `films:dune.mkv`; the source is its number where it was removed. */
  origin: string;
  /** Which version of the file: the catalog may know a later one. */
  version: string;
}

export function originsOf(sources: Sources): (key: string) => Origin {
  const names = new Map(sources.all().map(({ id, name }) => [String(id), name]));
  return key => {
    const [, source = '', path = '', version = ''] = /^(\d+)\/([^\0]*)\0(.*)$/s.exec(key) ?? [];
    return { origin: `${names.get(source) ?? source}:${path}`, version };
  };
}
