/** Threads that run as long as the process, and wait in system calls. */
import { Worker } from 'node:worker_threads';
import { YOUNG_GENERATION_MB } from './young-generation.js';

export function startLastingThread<Data>(file: URL, workerData: Data): Worker {
  return new Worker(file, {
    workerData,
    // They close descriptors that Node did not open; it would warn about each of them.
    trackUnmanagedFds: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}
