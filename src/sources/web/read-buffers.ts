/**
 * The memory that sockets read into, used again. Node takes new memory for every read, and V8 collects all garbage each time
 * that some 30 MB of it were taken: a fifth of what a download costs.
 */
import type { OnReadOpts, Socket } from 'node:net';

const SIZE = 128 * 1024;
/** What is shorter is copied, so that a short answer keeps no large buffer. */
const LEAST_KEPT = 16 * 1024;
/** Buffers that wait to be used again. */
const MOST_FREE = 32;

const free: Buffer[] = [];
/** How many bytes were read into each that is not free. */
const lengths = new WeakMap<ArrayBufferLike, number>();

/** An option of `net.connect` and `tls.connect`: what is read goes through the stream as ever. */
export const readInto: OnReadOpts = {
  buffer: () => free.pop() ?? Buffer.allocUnsafeSlow(SIZE),
  callback(this: Socket, length: number, bytes: Uint8Array): boolean {
    const buffer = bytes as Buffer;
    const read = buffer.subarray(0, length);
    if (length >= LEAST_KEPT) {
      lengths.set(buffer.buffer, length);
      return this.push(read);
    }
    keep(buffer);
    return this.push(Buffer.from(read));
  },
};

/**
 * Nobody looks at these bytes of an answer any more, nor at any that came before them. Not to call it is no fault. The last
 * piece of what was read at a time frees its memory; in which order bytes come is settled, so the others were looked at.
 */
export function giveBack(piece: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = piece;
  if (lengths.get(buffer) !== byteOffset + byteLength) return;
  lengths.delete(buffer);
  keep(Buffer.from(buffer));
}

function keep(buffer: Buffer): void {
  if (free.length < MOST_FREE) free.push(buffer);
}
