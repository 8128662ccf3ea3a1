/** Checksums that S3 keeps of objects (Amazon S3 User Guide, "Checking object integrity"): of the whole, or made of those of its parts. */
import type { Checksum } from '../remote.js';
import { Crc32, checksum, hash, type Sum, type Told, told } from '../web/checksum.js';
import { header, type WebAnswer } from '../web/connections.js';
import { Crc32c } from './crc32c.js';
import { Crc64Nvme } from './crc64.js';

/** The header that asks for them. */
export const withChecksums = { 'x-amz-checksum-mode': 'ENABLED' };

const sums: Readonly<Record<string, () => Sum>> = {
  'x-amz-checksum-sha256': hash('sha256'),
  'x-amz-checksum-sha1': hash('sha1'),
  'x-amz-checksum-crc64nvme': () => new Crc64Nvme(),
  'x-amz-checksum-crc32c': () => new Crc32c(),
  'x-amz-checksum-crc32': () => new Crc32(),
};

/** Of an object that was uploaded in so many parts: what their checksums, one after the other, add up to. */
export interface ToldOfParts extends Told {
  parts: number | undefined;
}

/** Undefined where the answer tells none that can be computed here. */
export function toldOf(answer: WebAnswer): ToldOfParts | undefined {
  return toldByHeader(answer) ?? toldByTag(answer);
}

/** Those of parts end in how many there are. */
function toldByHeader(answer: WebAnswer): ToldOfParts | undefined {
  const isComposite = header(answer, 'x-amz-checksum-type') === 'COMPOSITE';
  for (const [name, begin] of Object.entries(sums)) {
    const [, expected, parts] = /^([A-Za-z0-9+/]+=*)(?:-(\d{1,5}))?$/.exec(header(answer, name) ?? '') ?? [];
    const known = told(begin, expected ?? '');
    if (known && (parts !== undefined || !isComposite)) return { ...known, parts: partsOf(parts) };
  }
  return undefined;
}

/**
 * The entity tag, where it is an MD5 (Amazon S3 API Reference, "Object"). With keys of KMS or of the customer a tag looks the same
 * and is none; the answer says that there are such. One that ends in a number of parts is no MD5, whatever it is made of: MinIO
 * appends -1 to tags that are no checksum.
 */
function toldByTag(answer: WebAnswer): ToldOfParts | undefined {
  const [, digits] = /^"([0-9a-f]{32})"$/.exec(header(answer, 'etag') ?? '') ?? [];
  const encryption = header(answer, 'x-amz-server-side-encryption') ?? 'AES256';
  const ownKey = header(answer, 'x-amz-server-side-encryption-customer-algorithm');
  if (digits === undefined || encryption !== 'AES256' || ownKey !== undefined) return undefined;
  return { begin: hash('md5'), expected: Buffer.from(digits, 'hex'), parts: undefined };
}

function partsOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

/** Undefined for an object that was uploaded in several parts. */
export function inOnePart(object: ToldOfParts): Checksum | undefined {
  if (object.parts === undefined) return checksum(object);
  return object.parts === 1 ? checksum(ofParts(object, Number.POSITIVE_INFINITY)) : undefined;
}

/**
 * Nearly everybody uploads parts of one size, but for the last one: only when they do not add up, all of them are asked for
 * theirs, and where they differ nothing is known. Undefined where the parts cannot be told.
 */
export async function inParts(
  object: ToldOfParts,
  size: number,
  sizeOfPart: (part: number) => Promise<number>,
): Promise<Checksum | undefined> {
  const { parts = 1 } = object;
  const partSize = await sizeOfPart(1);
  if (Math.ceil(size / partSize) !== parts) return undefined;
  const { update, matches } = checksum(ofParts(object, partSize));
  const isKnown = async () => {
    for (let part = 2; part < parts; part++) if ((await sizeOfPart(part)) !== partSize) return false;
    return true;
  };
  return { update, matches: async () => (await matches()) || !(await isKnown()) };
}

function ofParts({ begin, expected }: ToldOfParts, partSize: number): Told {
  return { begin: () => new SumOfParts(begin, partSize), expected };
}

class SumOfParts implements Sum {
  readonly #begin: () => Sum;
  readonly #partSize: number;
  readonly #all: Sum;
  #part: Sum;
  /** Bytes that the part has not been given. */
  #left: number;

  constructor(begin: () => Sum, partSize: number) {
    this.#begin = begin;
    this.#partSize = partSize;
    this.#all = begin();
    this.#part = begin();
    this.#left = partSize;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) this.#next();
      const piece = bytes.subarray(at, at + this.#left);
      this.#part.update(piece);
      this.#left -= piece.length;
      at += piece.length;
    }
  }

  #next(): void {
    this.#all.update(this.#part.digest());
    this.#part = this.#begin();
    this.#left = this.#partSize;
  }

  digest(): Buffer {
    this.#all.update(this.#part.digest());
    return this.#all.digest();
  }
}
