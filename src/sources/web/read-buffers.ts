/** The memory that sockets read into: new memory for every read is a fifth of what a download costs. */
import type { OnReadOpts, Socket } from 'node:net';
import { BufferPool } from '../../config/buffer-pool.js';

/** Buffers that wait to be used again, of each kind of connection: as for blocks, those that eight readers need. */
const MOST_FREE = 128;
/** What fills less of a buffer is copied, so that a short answer keeps no large one. */
const LEAST_FILLED = 1 / 8;

interface Filled {
  /** How many bytes were read into it. */
  length: number;
  pool: BufferPool;
}

/** Those that somebody may look at. */
const filled = new WeakMap<ArrayBufferLike, Filled>();

/** An option of `net.connect` and `tls.connect`, for reads of up to so many bytes: they go through the stream as ever. */
export function readInto(size: number): OnReadOpts {
  const pool = new BufferPool(size, MOST_FREE);
  return {
    buffer: () => pool.take(),
    callback(this: Socket, length: number, { buffer }: Uint8Array): boolean {
      const read = Buffer.from(buffer, 0, length);
      if (length >= size * LEAST_FILLED) {
        filled.set(buffer, { length, pool });
        return this.push(read);
      }
      pool.give(Buffer.from(buffer));
      return this.push(Buffer.from(read));
    },
  };
}

/**
 * Nobody looks at these bytes of an answer any more, nor at any that came before them: to be called once at most, and in the
 * order in which they came. Not to call it is no fault. The last piece of what was read at a time frees its memory.
 */
export function giveBack({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const read = filled.get(buffer);
  if (read?.length !== byteOffset + byteLength) return;
  filled.delete(buffer);
  read.pool.give(Buffer.from(buffer));
}
