/**
 * Opens files of a local source so that nothing outside its root is ever read, whatever links a folder contains and
 * whoever exchanges them meanwhile. Where the kernel has openat2(2), it refuses every link on the way by itself; elsewhere
 * the file is opened first, and then the descriptor is asked where it leads.
 */
import { closeSync, fstatSync, openSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { FacetError, systemErrorCode } from '../errors.js';
import { isInside } from './facet-mounts.js';
import { decodeName, fsPath } from './file-names.js';
import { isOnlyLastALink, resolveLinks } from './links.js';
import { OPEN_FLAGS, openWithoutLinks } from './openat2.js';

/** A file that was opened, with what it was at that moment. The descriptor is the caller's to close. */
export interface OpenedFile {
  fd: number;
  stats: Stats;
}

/**
 * Opens the regular file at `path` below `root` (a real path) for reading. With `follow`, links are followed as long as
 * they stay below the root. A path that leads below `avoid` is refused before anything touches that.
 * Throws `not-found`, `denied` (no permission, or outside the root) or `content-changed` (no longer a regular file).
 */
export function openContained(root: string, path: string, follow: boolean, avoid?: string): OpenedFile {
  if (NOT_A_NAME.test(path)) throw outside(path);
  const wanted = root === '/' ? `/${path}` : `${root}/${path}`;
  const avoided = avoid === undefined ? [] : [avoid];
  const real = follow ? realPath(wanted, path, avoided) : wanted;
  if (real === undefined || !isInside(real, root)) throw outside(path);
  if (avoided.some(each => isInside(real, each))) throw outside(path);
  const fd = open(real, path);
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return { fd, stats };
    throw notAFile(path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A segment that would lead elsewhere, or end the path early: no folder lists such a name. */
const NOT_A_NAME = /(^|\/)\.{0,2}(\/|$)|\0/;

/** The path behind all links; undefined for one that leads below `avoid`. */
function realPath(wanted: string, path: string, avoid: readonly string[]): string | undefined {
  try {
    const led = resolveLinks(wanted, avoid);
    return 'real' in led ? led.real : undefined;
  } catch (error) {
    throw systemErrorCode(error) === 'ELOOP' ? notAFile(path, error) : openError(error, wanted, path);
  }
}

function open(real: string, path: string): number {
  try {
    return openWithoutLinks(real) ?? openAndCheck(real, path);
  } catch (error) {
    throw openError(error, real, path);
  }
}

const OPEN_ATTEMPTS = 5;

/** For systems without openat2(2): opens `real`, and then sees to it that it was no link that led there. */
function openAndCheck(real: string, path: string): number {
  for (let attempt = 1; ; attempt++) {
    const fd = openSync(fsPath(real), OPEN_FLAGS);
    if (descriptorPath(fd, real) === real) return fd;
    closeSync(fd);
    // Replaced or moved just while it was opened: what is there now is another file.
    if (attempt === OPEN_ATTEMPTS) throw outside(path);
  }
}

/** The path of what a descriptor has open: proc_pid_fd(5) on Linux, elsewhere the path as the system resolves it now. */
function descriptorPath(fd: number, path: string): string {
  if (process.platform === 'linux') return decodeName(readlinkSync(`/proc/self/fd/${fd}`, 'buffer'));
  return decodeName(realpathSync.native(fsPath(path), 'buffer'));
}

function openError(error: unknown, real: string, path: string): unknown {
  const details = { path, cause: error };
  switch (systemErrorCode(error)) {
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
      return isOnlyLastALink(real) ? notAFile(path, error) : outside(path, error);
    case 'ENXIO':
      return notAFile(path, error);
    default:
      return error;
  }
}

function notAFile(path: string, cause?: unknown): FacetError {
  return new FacetError('content-changed', `${path} is no longer a file`, {
    path,
    cause,
    hint: 'scan the source again: facet index scan',
  });
}

function outside(path: string, cause?: unknown): FacetError {
  return new FacetError('denied', `${path} leads outside its source`, {
    path,
    cause,
    hint: 'a folder on the way was exchanged for a link since the last scan; facet does not follow it',
  });
}
