/**
 * What a web server says is in a folder: the HTML that nginx, Apache, Caddy, lighttpd and Python write, or the JSON of nginx
 * and Caddy. Of HTML only the links are believed: sizes in it are rounded, and times have no zone. Pages are as `decodeName` has
 * them. Pure.
 */
import { decodeName, encodeName } from '../file-names.js';
import { decodeBytes, encodeRest } from '../percent.js';
import { parseUrl } from '../web/address.js';

export interface IndexEntry {
  name: string;
  folder: boolean;
  /** Where the index has them exactly. */
  exact?: { size: number; mtimeUs: number } | undefined;
}

/** The entries of a page at `page`, which ends in a slash; undefined when it is no index. */
export function parseIndex(body: string, contentType: string, page: URL): IndexEntry[] | undefined {
  if (/\bjson\b/.test(contentType)) return jsonEntries(body, page);
  return /\bx?html\b/.test(contentType) ? htmlEntries(body, page) : undefined;
}

// webfs leaves < and > as they are where they are in quotes.
const LINK = /<a\s([^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*)>/gi;

function htmlEntries(body: string, page: URL): IndexEntry[] {
  const entries = new Map<string, IndexEntry>();
  for (const [, attributes = ''] of body.matchAll(LINK)) {
    const found = /(?:^|\s)href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))/i.exec(attributes);
    const entry = child(decodeEntities(encodeRest(found?.[1] ?? found?.[2] ?? found?.[3] ?? '')), page);
    if (entry !== undefined) entries.set(`${entry.name}${entry.folder ? '/' : ''}`, entry);
  }
  return [...entries.values()];
}

/** What a link means when it leads to something in the folder itself: not above it, not elsewhere, no other view of it. */
function child(href: string, page: URL): IndexEntry | undefined {
  const url = href === '' ? undefined : parseUrl(href, page.href);
  if (url === undefined || url.origin !== page.origin || url.search !== '' || url.hash !== '')
    return undefined;
  if (!url.pathname.startsWith(page.pathname)) return undefined;
  const match = /^([^/]+)(\/?)$/.exec(url.pathname.slice(page.pathname.length));
  const name = match?.[1] === undefined ? undefined : decodeSegment(match[1]);
  return name === undefined ? undefined : { name, folder: match?.[2] === '/' };
}

/** The name for a percent-encoded segment; undefined when it would not be one name. */
export function decodeSegment(encoded: string): string | undefined {
  const name = decodeName(decodeBytes(encoded));
  return isName(name) ? name : undefined;
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function jsonEntries(body: string, page: URL): IndexEntry[] | undefined {
  const values = parseJson(body);
  return Array.isArray(values) ? values.flatMap(value => jsonEntry(value, page) ?? []) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `{name, type, mtime, size}` of nginx; `{name, url, is_dir, mod_time, size}` of Caddy, where only `url` has all bytes of a name. */
function jsonEntry(value: unknown, page: URL): IndexEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, url, type, is_dir, mtime, mod_time, size }: Record<string, unknown> = { ...value };
  if (typeof name !== 'string' || (type === 'other' && size === undefined)) return undefined;
  const linked = typeof url === 'string' ? child(url, page)?.name : undefined;
  const plain = linked ?? decodeName(encodeName(name.replace(/\/$/, '')));
  const folder = type === 'directory' || is_dir === true;
  const at = Date.parse(String(mtime ?? mod_time));
  const exact =
    typeof size === 'number' && Number.isSafeInteger(size) && !Number.isNaN(at)
      ? { size, mtimeUs: Math.floor(at / 1000) * 1_000_000 }
      : undefined;
  return isName(plain) ? { name: plain, folder, exact } : undefined;
}
