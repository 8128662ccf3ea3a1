/**
 * Folders of this machine: where a URI leads, and opening files so that nothing outside the source's root is ever read,
 * whatever links a folder contains and whoever changes them meanwhile.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMessage, FacetError, systemErrorCode } from '../errors.js';
import { facetMounts, isInside } from './facet-mounts.js';
import { decodeName, fsPath } from './file-names.js';

/** A file that was opened, with what it was at that moment. The descriptor is the caller's to close. */
export interface OpenedFile {
  fd: number;
  stats: Stats;
}

/** The absolute path that a local source's URI means: `/path`, `~/path`, a relative path, `file:///path`. */
export function localPath(uri: string): string {
  if (uri.startsWith('file:')) return fileURLToPath(uri);
  if (uri === '~' || uri.startsWith('~/')) return join(homedir(), uri.slice(1));
  return isAbsolute(uri) ? resolve(uri) : resolve(process.cwd(), uri);
}

/**
 * The real path of a source's root. Throws `unreachable` when it is not there, not a folder, or inside a facet mount: a
 * reason to leave the catalog's files alone, never to think that they are gone.
 */
export function openRoot(uri: string): string {
  const path = localPath(uri);
  // Looked at before anything else touches the path: a process must never wait for a mount that waits for itself.
  refuseFacetMount(resolve(path));
  let root: string;
  try {
    root = realpathSync.native(path);
    if (!statSync(root).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    const reason = systemErrorCode(error) === 'ENOENT' ? 'it does not exist' : errorMessage(error);
    throw new FacetError('unreachable', `cannot list ${path}: ${reason}`, {
      path,
      cause: error,
      hint: 'check the path, or mount the disk it is on',
    });
  }
  refuseFacetMount(root);
  return root;
}

function refuseFacetMount(path: string): void {
  const mount = facetMounts().find(each => isInside(path, each));
  if (mount === undefined) return;
  throw new FacetError('usage', `${path} is inside the facet mount ${mount}`, {
    path,
    hint: 'a source holds files of its own; add the folder where they really are',
  });
}

/** When a file was last changed, in whole microseconds: a double holds them exactly until the year 2255. */
export function modifiedUs(stats: Stats): number {
  return Math.round(stats.mtimeMs * 1000);
}

/** Never follows a last link, never waits for a FIFO's writer, never makes a terminal the process's own. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens the regular file at `path` below `root` (a real path) for reading.
 *
 * Where the file really is, is checked after it was opened, on the descriptor itself, so no exchange of a folder for a
 * link between check and use can lead outside. With `follow`, links are followed as long as they stay below the root.
 * Throws `not-found`, `denied` (no permission, or outside the root) or `content-changed` (no longer a regular file).
 */
export function openContained(root: string, path: string, follow: boolean): OpenedFile {
  const wanted = root === '/' ? `/${path}` : `${root}/${path}`;
  for (let attempt = 1; ; attempt++) {
    const real = follow ? realPath(wanted, path) : wanted;
    if (!isInside(real, root)) throw outside(path);
    const opened = openAt(real, path);
    if (opened) return opened;
    // Replaced or moved just while it was opened: what is there now is another file.
    if (attempt === OPEN_ATTEMPTS) throw outside(path);
  }
}

const OPEN_ATTEMPTS = 5;

/** Opens `real`; undefined when the descriptor turns out to be of a file somewhere else. */
function openAt(real: string, path: string): OpenedFile | undefined {
  const fd = open(real, path);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new FacetError('content-changed', `${path} is no longer a file`, { path });
    if (descriptorPath(fd, real) === real) return { fd, stats };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

function realPath(wanted: string, path: string): string {
  try {
    return decodeName(realpathSync.native(fsPath(wanted), 'buffer'));
  } catch (error) {
    throw openError(error, path);
  }
}

function open(real: string, path: string): number {
  try {
    return openSync(fsPath(real), OPEN_FLAGS);
  } catch (error) {
    throw openError(error, path);
  }
}

/** The path of what a descriptor has open: proc_pid_fd(5) on Linux, elsewhere the path as the system resolves it now. */
function descriptorPath(fd: number, path: string): string {
  if (process.platform === 'linux') return decodeName(readlinkSync(`/proc/self/fd/${fd}`, 'buffer'));
  return decodeName(realpathSync.native(fsPath(path), 'buffer'));
}

function openError(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  const details = { path, cause: error };
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new FacetError('not-found', `${path} is gone from its source`, {
        ...details,
        hint: 'scan the source again: facet index scan',
      });
    case 'EACCES':
    case 'EPERM':
      return new FacetError('denied', `no permission to read ${path}`, details);
    case 'ELOOP':
    case 'ENXIO':
      return new FacetError('content-changed', `${path} is no longer a file`, details);
    default:
      return error;
  }
}

function outside(path: string): FacetError {
  return new FacetError('denied', `${path} leads outside its source`, {
    path,
    hint: 'a link on the way was exchanged since the last scan; facet does not follow it',
  });
}
