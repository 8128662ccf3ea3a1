/** The files that a command of the cache is about: those of remote sources, because those of local folders are never cached. */
import type { FileRecord } from '../../src/catalog/files.js';
import type { Home } from '../../src/config/home.js';
import { FacetError } from '../../src/errors.js';
import type { Query } from '../../src/query/ast.js';
import { parseQuery } from '../../src/query/parse.js';
import { matching } from '../../src/volume/matching.js';
import type { Volume } from '../../src/volume/volume.js';
import { withStates } from '../cache-states.js';
import { argumentList, option } from '../command.js';
import { filesOf } from '../index/files.js';
import { path, text } from '../kinds.js';
import { openVolume } from '../volume.js';

export const wantedArguments = { paths: argumentList(path, 'PATH', 'a path in the tree, or a glob') };
export const wantedOptions = { query: option(text, 'QUERY', 'the files that a query asks for') };

export interface Wanted {
  paths: readonly string[];
  query: Query | undefined;
}

/** Throws `usage` for a malformed query. */
export function readWanted(paths: readonly string[], query: string | undefined): Wanted {
  return { paths, query: query === undefined ? undefined : parseQuery(query) };
}

export function isNothing({ paths, query }: Wanted): boolean {
  return paths.length === 0 && query === undefined;
}

export function refuseNothing(wanted: Wanted): void {
  if (isNothing(wanted)) throw new FacetError('usage', 'which files? give a PATH, a glob or --query');
}

/**
 * Each of them once. Throws `usage` when no path leads to any: nobody means that. A query may find nothing today.
 */
export async function remoteFiles(
  { paths, query }: Wanted,
  volume: Volume,
  home: Home,
): Promise<FileRecord[]> {
  const asked = query && matching(volume, await withStates(query, volume, home));
  const files = new Map([...filesOf(volume, paths), ...(asked ?? [])].map(file => [file.id, file]));
  const remote = [...files.values()].filter(
    ({ sourceId, target }) => target === null && volume.isRemote(sourceId),
  );
  if (remote.length > 0 || query !== undefined) return remote;
  throw new FacetError('usage', 'none of these files is at a remote source', {
    hint: 'files of local folders are read where they are and never cached',
  });
}

/** The same for those who need no volume besides, and who open the cache after that: a query may have opened it. */
export async function findWanted(wanted: Wanted, home: Home): Promise<FileRecord[]> {
  const volume = await openVolume(home);
  try {
    return await remoteFiles(wanted, volume, home);
  } finally {
    volume.close();
  }
}
