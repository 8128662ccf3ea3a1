/** The threads of this process, and the memory that V8 takes for the new objects of each. */
import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * V8 lets the space for new objects of a thread that is always at work grow to 48 MB, and takes none of it back. What is garbage
 * there keeps memory elsewhere, such as buffers of sockets. With little of it as much is done in the same time.
 */
const YOUNG_GENERATION_MB = 8;

let isKept = false;

export function startThread<Data>(file: URL, workerData: Data, options: WorkerOptions = {}): Worker {
  const worker = new Worker(file, { ...options, workerData });
  // For a new thread V8 takes its own growth up again, in all of them.
  if (isKept) worker.once('online', keepYoungGenerations);
  return worker;
}

/** One that runs as long as the process, and waits in system calls. */
export function startLastingThread<Data>(file: URL, workerData: Data): Worker {
  return startThread(file, workerData, {
    // They close descriptors that Node did not open; it would warn about each of them.
    trackUnmanagedFds: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}

/** Leaves that space as large as it is now, from here on: a few MB after a start. The main thread cannot be given a limit. */
export function keepYoungGenerations(): void {
  isKept = true;
  setFlagsFromString('--semi-space-growth-factor=1');
}
