/**
 * Answers a READ without its bytes passing through this process: splice(2) puts the pages of an open file into a pipe,
 * behind the header of the reply, and takes them from there to the device. One copy instead of two. The pages stay in the
 * cache of the file system that they come from: they are not moved (SPLICE_F_MOVE), or it would have to read them again.
 *
 * The header says how long the answer is before anything was read, so this is for reads that do not go beyond the file's
 * end. Where it does not go that way, nothing was answered and the caller reads as usual.
 */

import { constants } from 'node:os';
import { closePipe, openPipe, type Pipe, spliceBytes, writeBytes } from './libc.js';
import { createMessage, type FuseRequest } from './reader.js';
import { createReply, putU64, BODY as START, seal } from './writer.js';

/** Holds a page of header and the largest request that the kernel makes of an ordinary user's read-ahead, and more. */
const PIPE_BYTES = 512 * 1024;
const PAGE = 4096;

/** Smaller answers are copied in about the time that the additional calls take. */
const LEAST = 32 * 1024;

/** The request is gone, or all of them are: there is nobody left to answer. */
const NOBODY_ASKS: readonly number[] = [-constants.errno.ENOENT, -constants.errno.ENODEV];

export class Splicer {
  readonly #device: number;
  readonly #header = createReply(0);
  readonly #place = createMessage(8);
  #pipe: Pipe | undefined;

  constructor(device: number) {
    this.#device = device;
  }

  /** Whether a read is worth it; it must also lie within the file. */
  static isWorthIt(size: number): boolean {
    return size >= LEAST && size <= PIPE_BYTES - 2 * PAGE;
  }

  /** Answers a READ from the descriptor. False: it was not answered, and would not be the next time. */
  answer(request: FuseRequest, descriptor: number): boolean {
    this.#pipe ??= openPipe(PIPE_BYTES);
    if (this.#pipe === undefined) return false;
    const length = START + request.size;
    const sent = this.#fill(this.#pipe, request, descriptor)
      ? spliceBytes(this.#pipe.readEnd, null, this.#device, length)
      : 0;
    if (sent === length) return true;
    // Something may be left in it.
    this.close();
    return NOBODY_ASKS.includes(sent);
  }

  /** Puts the whole reply into the pipe; false when the file has less, or cannot be spliced. */
  #fill(
    { writeEnd }: Pipe,
    { size, offset, uniqueLow, uniqueHigh }: FuseRequest,
    descriptor: number,
  ): boolean {
    seal(this.#header, size, uniqueLow, uniqueHigh);
    if (writeBytes(writeEnd, this.#header.bytes, START) !== START) return false;
    putU64(this.#place.view, 0, offset);
    for (let missing = size; missing > 0; ) {
      const count = spliceBytes(descriptor, this.#place.bytes, writeEnd, missing);
      if (count <= 0) return false;
      missing -= count;
    }
    return true;
  }

  close(): void {
    if (this.#pipe !== undefined) closePipe(this.#pipe);
    this.#pipe = undefined;
  }
}
