/** Threads that run as long as the process, and wait in system calls. */
import { Worker } from 'node:worker_threads';

/**
 * V8 lets the space for new objects of a thread that is always at work grow to 48 MB, and takes none of it back. With little of
 * it as much is done in the same time.
 */
const YOUNG_GENERATION_MB = 8;

export function startLastingThread<Data>(file: URL, workerData: Data): Worker {
  return new Worker(file, {
    workerData,
    // They close descriptors that Node did not open; it would warn about each of them.
    trackUnmanagedFds: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}
