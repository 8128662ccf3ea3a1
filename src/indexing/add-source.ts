/** Adds a source to the catalog, after a look at what it would mean. */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceOptions, SourceRecord } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { isInside } from '../sources/facet-mounts.js';
import { compileFilter } from '../sources/filter.js';
import { localPath, openRoot } from '../sources/local.js';
import { isRemote, placeOf } from '../sources/open-remote.js';
import { isStream, parseStreamUri } from '../sources/stream-uri.js';
import { checkKeeping } from './keeping.js';

/**
 * Adds the folder or bucket that `uri` leads to. Throws `usage` when it is inside a facet mount or overlaps another source, for
 * a malformed glob, a URI that makes no sense or a way to keep it live that is none; `unreachable` when a local folder cannot be listed now; `exists` when the name
 * is taken.
 */
export function addSource(catalog: Catalog, name: string, uri: string, options: SourceOptions): SourceRecord {
  compileFilter(options.include, options.exclude);
  checkKeeping(uri, options);
  refuseForeign(uri, options);
  if (hasScheme(uri)) {
    if (isStream(uri)) return addStream(catalog, name, uri, options);
    refuseSame(uri, placeOf(uri, options.remote), catalog.sources.all());
    return catalog.write(() => catalog.sources.add(name, uri, options));
  }
  const root = openRoot(uri);
  for (const other of catalog.sources.all()) if (!hasScheme(other.uri)) refuseOverlap(root, other);
  return catalog.write(() => catalog.sources.add(name, localPath(uri), options));
}

function refuseForeign(uri: string, { remote, stream }: SourceOptions): void {
  const [foreign] = Object.keys((isStream(uri) ? remote : stream) ?? {});
  if (foreign === undefined) return;
  throw new FacetError('usage', `${foreign} means nothing for ${uri}`, {
    hint: 'see which options go with which kind of source: man facet-index',
  });
}

/** What the stream tells of may be in another source too: two ways to look at the same contents. */
function addStream(catalog: Catalog, name: string, uri: string, options: SourceOptions): SourceRecord {
  parseStreamUri(uri);
  const { files, contents, ...stream } = options.stream ?? {};
  if ((files === undefined) === (contents === undefined)) {
    throw new FacetError('usage', `where are the files that ${uri} tells of?`, {
      hint: 'give either --files FOLDER, or --contents with the name of another source',
    });
  }
  if (contents !== undefined) refuseChain(catalog.sources.get(contents));
  const place = files === undefined ? { contents } : { files: localPath(checked(files)) };
  return catalog.write(() => catalog.sources.add(name, uri, { ...options, stream: { ...stream, ...place } }));
}

/** Throws as `openRoot` does, before anything is kept. */
function checked(folder: string): string {
  openRoot(folder);
  return folder;
}

function refuseChain({ name, options }: SourceRecord): void {
  if (options.stream === undefined) return;
  throw new FacetError('usage', `${name} has no contents of its own`, {
    hint: 'name the source that has: a folder, a bucket or a web server',
  });
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
