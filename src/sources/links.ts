/**
 * Follows symbolic links one by one, as path_resolution(7) has it, without ever touching what must not be touched: a process
 * that looked below its own mountpoint would wait for itself.
 */
import { readlinkSync } from 'node:fs';
import { systemErrorCode } from '../errors.js';
import { isInside } from './facet-mounts.js';
import { decodeName, fsPath } from './file-names.js';

/** As many as the kernel follows. */
const MOST_LINKS = 40;

/**
 * Where an absolute path leads: `real` is what realpath(3) gives, `avoided` the one of `avoid` that it leads to or below.
 * Throws system errors: ENOENT, EACCES, ELOOP ….
 */
export function resolveLinks(path: string, avoid: readonly string[]): { real: string } | { avoided: string } {
  const pending = path.split('/').reverse();
  let real = '';
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      real = real.slice(0, Math.max(real.lastIndexOf('/'), 0));
      continue;
    }
    const next = `${real}/${name}`;
    const avoided = avoid.find(each => isInside(next, each));
    if (avoided !== undefined) return { avoided };
    const target = readLink(next);
    if (target === undefined) {
      real = next;
      continue;
    }
    if (++links > MOST_LINKS) throw tooManyLinks(path);
    if (target.startsWith('/')) real = '';
    pending.push(...target.split('/').reverse());
  }
  return { real: real === '' ? '/' : real };
}

/** Is the last name of an absolute path a link, and nothing before it? Looks behind no link. */
export function isOnlyLastALink(path: string): boolean {
  for (let end = path.indexOf('/', 1); end !== -1; end = path.indexOf('/', end + 1)) {
    if (isLink(path.slice(0, end))) return false;
  }
  return isLink(path);
}

function isLink(path: string): boolean {
  try {
    return readLink(path) !== undefined;
  } catch {
    return false;
  }
}

/** Where a link leads; undefined for what is no link. */
function readLink(path: string): string | undefined {
  try {
    return decodeName(readlinkSync(fsPath(path), 'buffer'));
  } catch (error) {
    if (systemErrorCode(error) === 'EINVAL') return undefined;
    throw error;
  }
}

function tooManyLinks(path: string): Error {
  return Object.assign(new Error(`ELOOP: too many symbolic links, '${path}'`), { code: 'ELOOP', path });
}
