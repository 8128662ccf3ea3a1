/**
 * Getting a FUSE thread out of its wait for requests. A thread that waits in poll(2) or read(2) cannot be ended
 * from JavaScript: `worker.terminate()` and even `process.exit()` wait for it. Unmounting ends the wait; this is
 * for when that is not possible, because files are open in a mount that was unmounted lazily.
 *
 * The thread is sent a signal of its own whose handler does nothing and does not restart the call, so that
 * it returns EINTR and the loop looks at the switch. Touches the disposition of one real-time signal.
 */

import fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { ignoreSignal, signalThread } from './libc.js';

/** Shared by the FUSE thread and those who may stop it: element 0 is the demand, 1 the thread's id or 0. */
export type StopSwitch = Int32Array;

const DEMAND = 0;
const THREAD = 1;

/** SIGRTMIN + 8 of glibc: neither Node nor V8 nor a C library uses it. */
const WAKE_SIGNAL = 42;
const REPEAT_MS = 10;

export function createStopSwitch(): StopSwitch {
  return new Int32Array(new SharedArrayBuffer(8));
}

export function isStopDemanded(stop: StopSwitch): boolean {
  return Atomics.load(stop, DEMAND) !== 0;
}

/** Called in the FUSE thread before its first read. */
export function announceThread(stop: StopSwitch): void {
  ignoreSignal(WAKE_SIGNAL);
  // "<process>/task/<thread>"
  const thread = fs.readlinkSync('/proc/thread-self').split('/').at(-1);
  Atomics.store(stop, THREAD, Number(thread));
}

/** Called in the FUSE thread when it will not read any more. */
export function withdrawThread(stop: StopSwitch): void {
  Atomics.store(stop, THREAD, 0);
}

/**
 * Ends the session that was given this switch, after the request at hand, and returns once it has left its loop;
 * `run` then returns 'stopped'. Whoever still uses the mount gets ENOTCONN when the device is closed.
 */
export async function stopSession(stop: StopSwitch): Promise<void> {
  Atomics.store(stop, DEMAND, 1);
  for (;;) {
    const thread = Atomics.load(stop, THREAD);
    if (thread === 0) return;
    // Again and again: a signal that comes just before the thread begins to wait is lost.
    signalThread(thread, WAKE_SIGNAL);
    await setTimeout(REPEAT_MS);
  }
}
