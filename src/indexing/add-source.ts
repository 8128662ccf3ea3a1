/** Adds a source to the catalog, after a look at what it would mean. */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceOptions, SourceRecord } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { isInside } from '../sources/facet-mounts.js';
import { compileFilter } from '../sources/filter.js';
import { localPath, openRoot } from '../sources/local.js';

/**
 * Adds the local folder `uri`. Throws `usage` when it is inside a facet mount or overlaps another source, or for a
 * malformed glob; `unreachable` when it cannot be listed now; `exists` when the name is taken.
 */
export function addSource(catalog: Catalog, name: string, uri: string, options: SourceOptions): SourceRecord {
  refuseForeignScheme(uri);
  const root = openRoot(uri);
  for (const other of catalog.sources.all()) refuseOverlap(root, other);
  compileFilter(options.include, options.exclude);
  return catalog.write(() => catalog.sources.add(name, localPath(uri), options));
}

function refuseForeignScheme(uri: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1];
  if (scheme === undefined || scheme.toLowerCase() === 'file') return;
  throw new FacetError('usage', `there are no sources of the kind ${scheme}:`, {
    hint: 'a source is a folder of this machine: /path, ~/path or file:///path',
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
