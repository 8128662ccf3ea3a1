/**
 * Digests that web servers tell of a whole file, also when they send a part: Repr-Digest (RFC 9530, 3) and Digest (RFC 3230, 4.3.2);
 * and of what they send, Content-MD5 (RFC 2616, 14.15).
 */
import { hash, type Sum, type Told, told } from '../web/checksum.js';
import { header, type WebAnswer } from '../web/connections.js';

/** The quickest first. */
const sums: Readonly<Record<string, () => Sum>> = {
  'sha-256': hash('sha256'),
  sha: hash('sha1'),
  md5: hash('md5'),
  'sha-512': hash('sha512'),
};

/** Undefined where the answer tells none that can be computed here. */
export function toldOf(answer: WebAnswer): Told | undefined {
  const digests = new Map([...entries(header(answer, 'digest')), ...entries(header(answer, 'repr-digest'))]);
  const md5 = answer.status === 200 ? header(answer, 'content-md5') : undefined;
  if (md5 !== undefined) digests.set('md5', md5);
  for (const [name, begin] of Object.entries(sums)) {
    const known = told(begin, digests.get(name) ?? '');
    if (known !== undefined) return known;
  }
  return undefined;
}

/** `sha-256=:BASE64:, …` and, as it was before RFC 9530, `SHA-256=BASE64,…`. */
function* entries(value = ''): Generator<[name: string, base64: string]> {
  for (const item of value.split(',')) {
    const [, name, base64] = /^\s*([\w-]+)=:?([A-Za-z0-9+/]+=*):?\s*$/.exec(item) ?? [];
    if (name !== undefined && base64 !== undefined) yield [name.toLowerCase(), base64];
  }
}
