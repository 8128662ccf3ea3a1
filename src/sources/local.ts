/** Folders of this machine: where a URI leads. Opening the files in them is `contained.ts`. */
import { type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourceRecord } from '../catalog/sources.js';
import { errorMessage, FacetError, systemErrorCode } from '../errors.js';
import { facetMounts } from './facet-mounts.js';
import { resolveLinks } from './links.js';

/**
 * The absolute path that a local source's URI means: `/path`, `~/path`, a relative path, `file:///path`. Throws `usage`
 * for a URL that means no file of this machine.
 */
export function localPath(uri: string): string {
  if (uri.startsWith('file:')) return pathOfUrl(uri);
  if (uri === '~' || uri.startsWith('~/')) return join(homedir(), uri.slice(1));
  return isAbsolute(uri) ? resolve(uri) : resolve(process.cwd(), uri);
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new FacetError('usage', `${url} is no file of this machine: ${errorMessage(error)}`, {
      cause: error,
      hint: 'write file:///path, or just the path',
    });
  }
}

/**
 * The real path of a source's root. Throws `unreachable` when it is not there or not a folder, `usage` when it is inside a
 * facet mount: reasons to leave the catalog's files alone, never to think that they are gone.
 */
export function openRoot(uri: string): string {
  const path = localPath(uri);
  const led = lookUp(path);
  if ('real' in led) return led.real;
  throw new FacetError('usage', `${path} is inside the facet mount ${led.avoided}`, {
    path,
    hint: 'a source holds files of its own; add the folder where they really are',
  });
}

/** Where the contents of a local source's files are: the source itself, or the folder of which a stream tells. */
export function contentsRoot({ uri, options }: SourceRecord): string {
  return options.stream?.files ?? uri;
}

/** Touches no mount of ours on the way: a process must never wait for a mount that waits for itself. */
function lookUp(path: string): ReturnType<typeof resolveLinks> {
  try {
    const led = resolveLinks(path, facetMounts());
    if ('real' in led && !statSync(led.real).isDirectory()) throw new Error('it is not a folder');
    return led;
  } catch (error) {
    const reason = systemErrorCode(error) === 'ENOENT' ? 'it does not exist' : errorMessage(error);
    throw new FacetError('unreachable', `cannot list ${path}: ${reason}`, {
      path,
      cause: error,
      hint: 'check the path, or mount the disk it is on',
    });
  }
}

/**
 * When a file was last changed, in whole microseconds: a double holds them exactly until the year 2255. Nanoseconds are
 * cut; the quarter makes up for what a number of milliseconds in a double can lack.
 */
export function modifiedUs(stats: Pick<Stats, 'mtimeMs'>): number {
  return Math.floor(stats.mtimeMs * 1000 + 0.25);
}
