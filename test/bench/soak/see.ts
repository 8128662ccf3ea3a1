/** Looks at everything in a folder, as a program that copies it would. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const { ENOENT, ENOTDIR, EISDIR, EINVAL, ESTALE, EACCES, ELOOP } = constants.errno;

/**
 * What whoever looks meets when somebody else changes what is looked at: it is gone, or is something else. EACCES: a mount
 * follows no link that has come where a folder was.
 */
const GONE: ReadonlySet<unknown> = new Set(
  [ENOENT, ENOTDIR, EISDIR, EINVAL, ESTALE, EACCES, ELOOP].map(errno => -errno),
);

/** Each path below the folder → kind, size and contents of what is there. What goes away meanwhile is left out. */
export function see(root: string): Map<string, string> {
  const seen = new Map<string, string>();
  seeBelow(root, '', seen);
  return seen;
}

function seeBelow(root: string, folder: string, seen: Map<string, string>): void {
  for (const name of unlessGone(() => readdirSync(join(root, folder))) ?? []) {
    const path = join(folder, name);
    const what = unlessGone(() => describe(join(root, path)));
    if (what !== undefined) seen.set(path, what);
    if (what === 'folder') seeBelow(root, path, seen);
  }
}

function describe(path: string): string {
  const stats = lstatSync(path);
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  return `${stats.size} bytes, ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    // Node has no name for ESTALE.
    if (error instanceof Error && 'errno' in error && GONE.has(error.errno)) return undefined;
    throw error;
  }
}
