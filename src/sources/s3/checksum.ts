/**
 * Checksums that S3 keeps of whole objects (Amazon S3 User Guide, "Checking object integrity"): an object that is read whole is
 * compared with them. Those that Node computes fast by itself; CRC64NVME and CRC32C are not among them.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FacetError } from '../../errors.js';
import { header, type WebAnswer } from '../web/connections.js';
import type { Subject } from '../web/ranges.js';

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
};

/**
 * The bytes, those of a whole object. The last of them come when the checksum that the answer tells is theirs: what is damaged
 * never seems complete. Throws `failed`, as another attempt that goes on behind the damage would find nothing wrong.
 */
export async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  answer: WebAnswer,
  { name, origin }: Subject,
): AsyncGenerator<Uint8Array> {
  const { sum, expected } = checksumOf(answer);
  let last: Uint8Array | undefined;
  for await (const piece of bytes) {
    sum?.update(piece);
    if (last !== undefined) yield last;
    last = piece;
  }
  if (sum !== undefined && sum.digest('base64') !== expected) {
    throw new FacetError('failed', `${name} comes damaged from ${origin}: its checksum is another one`, {
      path: name,
      hint: 'try again; if it stays so, the object or a proxy on the way is damaged',
    });
  }
  if (last !== undefined) yield last;
}

/** Nothing for one that is made of the checksums of parts: it says `COMPOSITE`, or ends in how many parts there are. */
function checksumOf(answer: WebAnswer): { sum?: Sum; expected?: string } {
  if (header(answer, 'x-amz-checksum-type') === 'COMPOSITE') return {};
  for (const [name, begin] of Object.entries(sums)) {
    const expected = header(answer, name);
    if (expected !== undefined && !/-\d+$/.test(expected)) return { sum: begin(), expected };
  }
  return {};
}
