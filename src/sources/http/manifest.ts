/**
 * A file that lists others: in each line an address, or a path below the folder that the list is in, or JSON such as
 * `{"path": "a/b", "size": 10, "mtime": "2024-05-01T10:00:00Z"}`. Empty lines and those with # at their beginning are for
 * people. Bytes of names are as `decodeName` has them. Pure.
 */
import { FacetError } from '../../errors.js';
import { decodeName, encodeName } from '../file-names.js';
import { encodeRest } from '../percent.js';
import { parseUrl } from '../web/address.js';
import { decodeSegment } from './index-page.js';

export interface ManifestEntry {
  /** Below the folder of the list. */
  key: string;
  /** Where the line has them. */
  exact?: { size: number; mtimeUs: number } | undefined;
}

/** Throws `failed` for a line that names no file below the folder: a part of a list is no list. */
export function parseManifest(text: string, folder: URL): ManifestEntry[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const entry = line.startsWith('{') ? jsonLine(line) : plainLine(line, folder);
    if (entry !== undefined) return [entry];
    throw new FacetError('failed', `line ${index + 1} of the list names no file below ${folder}`, {
      path: folder.href,
      hint: 'a list has addresses or paths below its own folder, one a line',
    });
  });
}

function plainLine(line: string, folder: URL): ManifestEntry | undefined {
  const key = /^https?:\/\//i.test(line) ? keyOfAddress(line.trim(), folder) : keyOfPath(line);
  return key === undefined ? undefined : { key };
}

function keyOfAddress(address: string, folder: URL): string | undefined {
  const url = parseUrl(encodeRest(address));
  if (url?.origin !== folder.origin || !url.pathname.startsWith(folder.pathname) || url.search !== '')
    return undefined;
  const segments = url.pathname.slice(folder.pathname.length).split('/').map(decodeSegment);
  return segments.includes(undefined) ? undefined : segments.join('/');
}

function keyOfPath(path: string): string | undefined {
  const key = decodeName(encodeName(path.replace(/^\.\//, '')));
  return /^(?:\.{0,2}\/)|\/(?:\.{0,2})(?:\/|$)|^\.{0,2}$|\0/.test(key) ? undefined : key;
}

function jsonLine(line: string): ManifestEntry | undefined {
  const { path, size, mtime } = parseObject(line);
  const key = typeof path === 'string' ? keyOfPath(path) : undefined;
  if (key === undefined) return undefined;
  const at = typeof mtime === 'number' ? mtime * 1000 : Date.parse(String(mtime));
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || Number.isNaN(at)) return { key };
  return { key, exact: { size, mtimeUs: Math.floor(at * 1000) } };
}

function parseObject(line: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(line) };
  } catch {
    return {};
  }
}
