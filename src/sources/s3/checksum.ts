/**
 * Checksums that S3 keeps of whole objects (Amazon S3 User Guide, "Checking object integrity"), all but CRC32C and those that are
 * made of the checksums of parts.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FacetError } from '../../errors.js';
import type { Checksum } from '../remote.js';
import { header, type WebAnswer } from '../web/connections.js';
import type { Subject } from '../web/ranges.js';
import { Crc64Nvme } from './crc64.js';

/** The header that asks for them. */
export const withChecksums = { 'x-amz-checksum-mode': 'ENABLED' };

interface Sum {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'base64'): string;
}

class Crc32 implements Sum {
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }

  digest(encoding: 'base64'): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes.toString(encoding);
  }
}

const sums: Readonly<Record<string, () => Sum>> = {
  'x-amz-checksum-sha256': () => createHash('sha256'),
  'x-amz-checksum-sha1': () => createHash('sha1'),
  'x-amz-checksum-crc32': () => new Crc32(),
  'x-amz-checksum-crc64nvme': () => new Crc64Nvme(),
};

/** What an answer says that the bytes of an object add up to. */
export class ObjectChecksum implements Checksum {
  readonly #sum: Sum;
  readonly #expected: string;

  private constructor(sum: Sum, expected: string) {
    this.#sum = sum;
    this.#expected = expected;
  }

  /** Undefined where the answer tells none of the whole object that can be computed here. */
  static of(answer: WebAnswer): ObjectChecksum | undefined {
    return ObjectChecksum.#told(answer) ?? ObjectChecksum.#md5(answer);
  }

  /** None that is made of the checksums of parts: it says `COMPOSITE`, or ends in how many parts there are. */
  static #told(answer: WebAnswer): ObjectChecksum | undefined {
    if (header(answer, 'x-amz-checksum-type') === 'COMPOSITE') return undefined;
    for (const [name, begin] of Object.entries(sums)) {
      const expected = header(answer, name);
      if (expected !== undefined && !/-\d+$/.test(expected)) return new ObjectChecksum(begin(), expected);
    }
    return undefined;
  }

  /**
   * The entity tag, where it is an MD5 (Amazon S3 API Reference, "Object"): of 32 hexadecimal digits, as tags that are made of
   * parts are not. With keys of KMS or of the customer a tag looks the same and is none; the answer says that there are such.
   */
  static #md5(answer: WebAnswer): ObjectChecksum | undefined {
    const [, digits] = /^"([0-9a-f]{32})"$/.exec(header(answer, 'etag') ?? '') ?? [];
    const encryption = header(answer, 'x-amz-server-side-encryption') ?? 'AES256';
    const ownKey = header(answer, 'x-amz-server-side-encryption-customer-algorithm');
    if (digits === undefined || encryption !== 'AES256' || ownKey !== undefined) return undefined;
    return new ObjectChecksum(createHash('md5'), Buffer.from(digits, 'hex').toString('base64'));
  }

  update(bytes: Uint8Array): void {
    this.#sum.update(bytes);
  }

  matches(): boolean {
    return this.#sum.digest('base64') === this.#expected;
  }
}

export function damaged({ name, origin }: Subject): FacetError {
  return new FacetError('integrity', `${name} comes damaged from ${origin}: its checksum is another one`, {
    path: name,
    hint: 'try again; if it stays so, the object or a proxy on the way is damaged',
  });
}
