/** Adds a source to the catalog, after a look at what it would mean. */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceOptions, SourceRecord } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { isInside } from '../sources/facet-mounts.js';
import { compileFilter } from '../sources/filter.js';
import { localPath, openRoot } from '../sources/local.js';
import { isRemote, placeOf } from '../sources/open-remote.js';
import { checkKeeping } from './keeping.js';

/**
 * Adds the folder or bucket that `uri` leads to. Throws `usage` when it is inside a facet mount or overlaps another source, for
 * a malformed glob, a URI that makes no sense or a way to keep it live that is none; `unreachable` when a local folder cannot be listed now; `exists` when the name
 * is taken.
 */
export function addSource(catalog: Catalog, name: string, uri: string, options: SourceOptions): SourceRecord {
  compileFilter(options.include, options.exclude);
  checkKeeping(uri, options);
  if (hasScheme(uri)) {
    refuseSame(uri, placeOf(uri, options.remote), catalog.sources.all());
    return catalog.write(() => catalog.sources.add(name, uri, options));
  }
  const root = openRoot(uri);
  for (const other of catalog.sources.all()) if (!isRemote(other.uri)) refuseOverlap(root, other);
  return catalog.write(() => catalog.sources.add(name, localPath(uri), options));
}

/** Does something else than a folder of this machine answer to it? */
function hasScheme(uri: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1];
  return scheme !== undefined && scheme.toLowerCase() !== 'file';
}

function refuseSame(uri: string, place: string, others: readonly SourceRecord[]): void {
  const same = others.find(({ uri, options }) => isRemote(uri) && placeOf(uri, options.remote) === place);
  if (!same) return;
  throw new FacetError('usage', `${uri} is the source ${same.name}`, {
    hint: `its files would appear twice; remove the other source first: facet index rm ${same.name}`,
  });
}

/** A file in two sources would be listed twice, and a change of it would be two changes. */
function refuseOverlap(root: string, other: SourceRecord): void {
  let otherRoot: string;
  try {
    otherRoot = openRoot(other.uri);
  } catch {
    otherRoot = localPath(other.uri);
  }
  if (!isInside(root, otherRoot) && !isInside(otherRoot, root)) return;
  const how = root === otherRoot ? 'is' : isInside(root, otherRoot) ? 'is inside' : 'contains';
  throw new FacetError('usage', `${root} ${how} the source ${other.name} (${otherRoot})`, {
    path: root,
    hint: `its files would appear twice; remove the other source first: facet index rm ${other.name}`,
  });
}
