/** Percent-encoding (RFC 3986, 2.1). */
import { encodeName } from './file-names.js';

/** Percent-encodes all but the unreserved characters. */
export function encodeSegment(name: string | Buffer): string {
  const bytes = typeof name === 'string' ? Buffer.from(name) : name;
  return bytes.toString('latin1').replace(/[^A-Za-z0-9_.~-]/g, percent);
}

function percent(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** The bytes behind names and slashes, percent-encoded; slashes stay. */
export function encodePath(path: string): string {
  return path
    .split('/')
    .map(segment => encodeSegment(encodeName(segment)))
    .join('/');
}

/** A text in which bytes beyond ASCII may be percent-encoded and may not: now they all are. */
export function encodeRest(text: string): string {
  return encodeName(text)
    .toString('latin1')
    .replace(/[\x80-\xff]/g, percent);
}

/** The bytes that a percent-encoded text stands for. */
export function decodeBytes(encoded: string): Buffer {
  const bytes = Buffer.from(encoded).toString('latin1');
  const plain = bytes.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}
