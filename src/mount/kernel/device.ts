/**
 * The FUSE device as a channel. Being woken costs more than answering a small request does, so after an answer the thread
 * asks the device again and again for a moment, and only then sleeps until there is something to read.
 *
 * It does so only while requests follow each other closely: an idle mount sleeps, and so does one whose requests come
 * slowly. On a single processor it always sleeps, in read(2) itself: nobody could make a request while it asks.
 */

import { availableParallelism, constants } from 'node:os';
import { createWait, makeNonBlocking, readBytes, systemError, writeBytes } from './libc.js';
import type { Channel } from './session.js';

const { EAGAIN } = constants.errno;

/** How long to ask before sleeping: about what a wake-up costs. */
const SPIN_MS = 0.05;

/** A request that came after a longer wait than this says that the next one will not come at once either. */
const CLOSE_MS = 0.2;

/** The device's channel; `device` is the descriptor that `openMount` gave, which may become non-blocking. */
export function deviceChannel(device: number): Channel {
  return {
    receive:
      availableParallelism() > 1 ? receiveAwake(device) : into => checked('read', readBytes(device, into)),
    send(bytes, length) {
      checked('write', writeBytes(device, bytes, length));
    },
  };
}

function receiveAwake(device: number): Channel['receive'] {
  makeNonBlocking(device);
  const wait = createWait(device);
  let isBusy = false;
  return into => {
    const began = performance.now();
    let count = isBusy ? ask(device, into, began + SPIN_MS) : 0;
    if (count === 0) {
      wait();
      count = ask(device, into, began);
    }
    isBusy = performance.now() - began < CLOSE_MS;
    return count;
  };
}

/** Asks until there is a message or the time is over; 0 when there is none. */
function ask(device: number, into: Buffer, until: number): number {
  for (;;) {
    const count = readBytes(device, into);
    if (count !== -EAGAIN) return checked('read', count);
    if (performance.now() >= until) return 0;
  }
}

function checked(call: string, result: number): number {
  if (result < 0) throw systemError(call, result);
  return result;
}
