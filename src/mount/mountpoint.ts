/**
 * The folder that a tree is mounted on: is it fit, and is something of ours left on it? Whether a path is a mountpoint is
 * read from the system's table, never found out by touching it: a dead or busy mount would make us wait.
 */
import { readdirSync, realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FacetError, systemErrorCode } from '../errors.js';
import { facetMounts, isInside } from '../sources/facet-mounts.js';
import { unmount } from './kernel/fusermount.js';

/** How long a living mount may take to answer before we say that it is in use. */
const ANSWER_MS = 2_000;

/**
 * The real path of `path`, ready to be mounted on: an empty folder, which a dead mount was removed from if need be
 * (`onRecovered` is told). `roots` are the real roots of the sources, which a mount must not hide.
 * Throws `not-found`, `usage`, `in-use`, `exists` or `denied`.
 */
export async function prepareMountpoint(
  path: string,
  roots: string[],
  onRecovered: () => void,
): Promise<string> {
  const mountpoint = realMountpoint(resolve(path));
  if (facetMounts().includes(mountpoint)) {
    await refuseLiving(mountpoint);
    await unmount(mountpoint, { lazy: true });
    onRecovered();
  }
  refuseHiding(mountpoint, roots);
  refuseUnfit(mountpoint);
  return mountpoint;
}

/** realpath(3) reads links and nothing else, so it does not wait for a mount that does not answer. */
function realMountpoint(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw unfit(path, error);
  }
}

/**
 * Returns only when the mount on this path is dead: its process is gone, and the kernel says ENOTCONN. It knows the attributes
 * of the folder long after, but what statfs(2) asks for it keeps nowhere.
 */
async function refuseLiving(mountpoint: string): Promise<void> {
  const late = new Promise<'late'>(done => setTimeout(done, ANSWER_MS, 'late').unref());
  try {
    await Promise.race([statfs(mountpoint), late]);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTCONN') return;
  }
  throw new FacetError('in-use', `${mountpoint} is a facet mount already`, {
    path: mountpoint,
    hint: `stop that facet with Ctrl-C, or unmount it: fusermount3 -u ${mountpoint}`,
  });
}

function refuseHiding(mountpoint: string, roots: string[]): void {
  const hidden = roots.find(root => isInside(root, mountpoint));
  if (hidden === undefined) return;
  throw new FacetError('usage', `a mount on ${mountpoint} would hide the source ${hidden}`, {
    path: mountpoint,
    hint: 'mount on a folder that contains no source',
  });
}

function refuseUnfit(mountpoint: string): void {
  let names: string[];
  try {
    names = readdirSync(mountpoint);
  } catch (error) {
    throw unfit(mountpoint, error);
  }
  if (names.length === 0) return;
  throw new FacetError('exists', `${mountpoint} is not empty`, {
    path: mountpoint,
    hint: 'mount on an empty folder: what is in this one would be hidden',
  });
}

function unfit(mountpoint: string, cause: unknown): unknown {
  const details = { path: mountpoint, cause };
  switch (systemErrorCode(cause)) {
    case 'ENOENT':
      return new FacetError('not-found', `${mountpoint} does not exist`, {
        ...details,
        hint: `create it first: mkdir -p ${mountpoint}`,
      });
    case 'ENOTDIR':
      return new FacetError('usage', `${mountpoint} is not a folder`, {
        ...details,
        hint: 'mount on an empty folder',
      });
    case 'EACCES':
      return new FacetError('denied', `no permission to read ${mountpoint}`, {
        ...details,
        hint: 'mount on a folder of your own',
      });
    case 'ENOTCONN':
      return new FacetError('in-use', `a mount of another program died on ${mountpoint}`, {
        ...details,
        hint: `free it first: fusermount3 -u ${mountpoint}`,
      });
    default:
      return cause;
  }
}
