/**
 * File names are bytes; the catalog, JSON and terminals speak Unicode. A name that is UTF-8 stays what it is. In any other
 * name, each byte that is not part of a character becomes one character of the private use block U+EF80–U+EFFF, the byte's
 * low bits in it, so that every name has exactly one form here and turns back into exactly its bytes. (A name that
 * contains such a character itself is written byte by byte for the same reason.)
 */

const FIRST = 0xef00;
const ESCAPES = /[\uef80-\uefff]/;
const SUSPICIOUS = /[\uef80-\uefff\ufffd]/;

/** Must the bytes of this name, which Node decoded as UTF-8, be looked at again? U+FFFD stands for what was not UTF-8. */
export function needsBytes(decoded: string): boolean {
  return SUSPICIOUS.test(decoded);
}

/** Does the name stand for bytes that are not UTF-8? */
export function isEscaped(name: string): boolean {
  return ESCAPES.test(name);
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name for bytes from a file system. */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return needsBytes(text) ? decodeUnusual(bytes) : text;
}

function decodeUnusual(bytes: Buffer): string {
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) name += String.fromCharCode(FIRST | (bytes[at] ?? 0));
    else name += bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return name;
}

/** The bytes of the character at `at`; 0 when there is none, or one that is an escape itself. */
function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (at + length > bytes.length) return 0;
  try {
    return ESCAPES.test(strict.decode(bytes.subarray(at, at + length))) ? 0 : length;
  } catch {
    return 0;
  }
}

/** The bytes of a name, or of a path of such names. */
export function encodeName(name: string): Buffer {
  if (!isEscaped(name)) return Buffer.from(name);
  return Buffer.concat(
    [...name].map(character => {
      const code = character.codePointAt(0) ?? 0;
      return code >= 0xef80 && code <= 0xefff ? Buffer.from([code & 0xff]) : Buffer.from(character);
    }),
  );
}

/** What Node's `fs` takes for a path of such names: a string wherever one will do. */
export function fsPath(path: string): string | Buffer {
  return isEscaped(path) ? encodeName(path) : path;
}
