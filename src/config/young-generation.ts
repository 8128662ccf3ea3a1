/**
 * V8 lets the space for new objects grow to 48 MB in a thread that is always at work, and takes none of it back. What becomes
 * garbage in it holds on to memory outside of it, as the buffers of sockets. With little of it as much is done in the same time.
 */
import { setFlagsFromString } from 'node:v8';

/** For threads that are started with a limit. */
export const YOUNG_GENERATION_MB = 8;

/**
 * Leaves that space of this thread as it is now, which is a few MB after a start. To be called when no more threads will be
 * started: V8 takes up its own growth again with each of them.
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
