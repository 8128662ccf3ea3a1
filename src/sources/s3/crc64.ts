/**
 * CRC-64/NVME, which S3 computes of every object that comes with no other checksum: reflected, with the polynomial
 * 0xad93d23594c93659, all ones at the beginning and inverted at the end (the 64-bit guard of the NVM Express NVM Command Set
 * Specification). Numbers have 53 bits, so each value is two halves; eight bytes are taken at a time, as slicing-by-8 does
 * (Kounavis and Berry, 2005).
 */
import type { Sum } from '../web/checksum.js';

/** The polynomial, its bits in reverse order. */
const HIGH = 0x9a6c9329;
const LOW = 0xac4bc9b5;
const STEP = 8;

/** What a byte adds to the sum when so many others follow it in a step: halves of 256 values each, one after the other. */
interface Tables {
  high: Int32Array;
  low: Int32Array;
}

function makeTables(): Tables {
  const tables = { high: new Int32Array(STEP * 256), low: new Int32Array(STEP * 256) };
  for (let byte = 0; byte < 256; byte++) {
    let [high, low] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) === 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) [high, low] = [high ^ HIGH, low ^ LOW];
    }
    [tables.high[byte], tables.low[byte]] = [high, low];
  }
  for (let at = 256; at < STEP * 256; at++) {
    const [high, low] = [tables.high[at - 256] ?? 0, tables.low[at - 256] ?? 0];
    tables.high[at] = (high >>> 8) ^ (tables.high[low & 0xff] ?? 0);
    tables.low[at] = ((low >>> 8) | (high << 24)) ^ (tables.low[low & 0xff] ?? 0);
  }
  return tables;
}

let made: Tables | undefined;

export class Crc64Nvme implements Sum {
  readonly #tables: Tables;
  #high = -1;
  #low = -1;

  constructor() {
    made ??= makeTables();
    this.#tables = made;
  }

  update(bytes: Uint8Array): void {
    const { high, low } = this.#tables;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let [h, l] = [this.#high, this.#low];
    let at = 0;
    for (; at + STEP <= bytes.length; at += STEP) {
      const first = l ^ view.getInt32(at, true);
      const second = h ^ view.getInt32(at + 4, true);
      h = 0;
      l = 0;
      for (let shift = 0, a = 7 * 256, b = 3 * 256; shift < 32; shift += 8, a -= 256, b -= 256) {
        const one = a + ((first >>> shift) & 0xff);
        const other = b + ((second >>> shift) & 0xff);
        h ^= (high[one] ?? 0) ^ (high[other] ?? 0);
        l ^= (low[one] ?? 0) ^ (low[other] ?? 0);
      }
    }
    for (; at < bytes.length; at++) {
      const next = (l ^ view.getUint8(at)) & 0xff;
      l = ((l >>> 8) | (h << 24)) ^ (low[next] ?? 0);
      h = (h >>> 8) ^ (high[next] ?? 0);
    }
    [this.#high, this.#low] = [h, l];
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(~this.#high);
    bytes.writeInt32BE(~this.#low, 4);
    return bytes;
  }
}
