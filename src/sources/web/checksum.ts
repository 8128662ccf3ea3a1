/** Checksums of whole files that a server tells: those that can be computed here, and the comparison. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FacetError } from '../../errors.js';
import type { Checksum, RangeRequest } from '../remote.js';
import type { Subject } from './ranges.js';

/** What bytes add up to; they are put in, in order. */
export interface Sum {
  update(bytes: Uint8Array): unknown;
  digest(): Buffer;
}

export const hash = (algorithm: string) => (): Sum => createHash(algorithm);

export class Crc32 implements Sum {
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes;
  }
}

/** What a server says that all bytes of a file add up to. */
export interface Told {
  begin: () => Sum;
  expected: Buffer;
}

/** Undefined for text that is no such sum: some servers write hexadecimal digits. */
export function told(begin: () => Sum, base64: string): Told | undefined {
  const expected = Buffer.from(base64, 'base64');
  return expected.length === begin().digest().length ? { begin, expected } : undefined;
}

export function checksum({ begin, expected }: Told): Checksum {
  const sum = begin();
  return {
    update: bytes => void sum.update(bytes),
    matches: async () => sum.digest().equals(expected),
  };
}

/** A file is compared with its checksum when it is read in one piece, which is held back until then. */
export const MOST_HELD_BYTES = 8 * 1024 * 1024;

export function isWhole({ start, end, size }: Pick<RangeRequest, 'start' | 'end' | 'size'>): boolean {
  return start === 0 && end === size;
}

/** Is it compared with its checksum, which is told of a whole file? */
export function isHeld(request: Pick<RangeRequest, 'start' | 'end' | 'size'>): boolean {
  return isWhole(request) && request.size <= MOST_HELD_BYTES;
}

/** An answer: what comes, and what it is to add up to, where somebody says so. */
export interface Asked {
  bytes: AsyncIterable<Uint8Array>;
  checksum: Checksum | undefined;
}

/** Nobody is given a byte before all were compared; what was damaged on its way is asked for again, once. */
export async function* intact(
  ask: () => Promise<Asked>,
  subject: Subject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const { bytes, checksum } = await ask();
    if (checksum === undefined) return yield* bytes;
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) {
      checksum.update(piece);
      pieces.push(piece);
    }
    if (await checksum.matches()) return yield* unlessAborted(pieces, signal);
  }
  throw damaged(subject);
}

function* unlessAborted(pieces: readonly Uint8Array[], signal: AbortSignal): Generator<Uint8Array> {
  for (const piece of pieces) {
    signal.throwIfAborted();
    yield piece;
  }
}

function damaged({ name, origin }: Subject): FacetError {
  return new FacetError('integrity', `${name} comes damaged from ${origin}: its checksum is another one`, {
    path: name,
    hint: 'try again; if it stays so, it is damaged there, or by a proxy on the way',
  });
}
