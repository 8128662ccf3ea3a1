/**
 * CRC-32C (RFC 3720, 12.1), the polynomial of Castagnoli, which zlib does not have: reflected, all ones at the beginning and
 * inverted at the end. Eight bytes are taken at a time, as in `crc64.ts`.
 */
import type { Sum } from '../web/checksum.js';

/** The polynomial, its bits in reverse order. */
const POLYNOMIAL = 0x82f63b78;
const STEP = 8;

/** What a byte adds to the sum when so many others follow it in a step: 256 values each, one after the other. */
function makeTable(): Int32Array {
  const table = new Int32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
    table[byte] = value;
  }
  for (let at = 256; at < STEP * 256; at++) {
    const before = table[at - 256] ?? 0;
    table[at] = (before >>> 8) ^ (table[before & 0xff] ?? 0);
  }
  return table;
}

let made: Int32Array | undefined;

export class Crc32c implements Sum {
  readonly #table: Int32Array;
  #value = -1;

  constructor() {
    made ??= makeTable();
    this.#table = made;
  }

  update(bytes: Uint8Array): void {
    const table = this.#table;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let value = this.#value;
    let at = 0;
    for (; at + STEP <= bytes.length; at += STEP) {
      const first = value ^ view.getInt32(at, true);
      const second = view.getInt32(at + 4, true);
      value = 0;
      for (let shift = 0, a = 7 * 256, b = 3 * 256; shift < 32; shift += 8, a -= 256, b -= 256) {
        value ^= (table[a + ((first >>> shift) & 0xff)] ?? 0) ^ (table[b + ((second >>> shift) & 0xff)] ?? 0);
      }
    }
    for (; at < bytes.length; at++) value = (value >>> 8) ^ (table[(value ^ view.getUint8(at)) & 0xff] ?? 0);
    this.#value = value;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(~this.#value);
    return bytes;
  }
}
