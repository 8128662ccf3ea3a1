/**
 * The threads of this process in which sources are scanned on their schedules. To start one costs far more than to list a small
 * source does, in time and in memory: one that is done waits a while for the next scan, whatever its source.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startLastingThread } from '../config/threads.js';
import type { ScanMessage, ScanTask } from './scan-thread.js';

/** More than ten times what a thread costs to start. */
const IDLE_MS = 5_000;

const idle = new Map<Worker, NodeJS.Timeout>();

/** Scans a source in a thread. What it has not committed when `signal` fires is undone; throws an AbortError then. */
export async function scanInThread(task: ScanTask, signal: AbortSignal): Promise<ScanMessage> {
  const worker = takeIdle() ?? start();
  try {
    worker.postMessage(task);
    const [message] = await once(worker, 'message', { signal });
    keepIdle(worker);
    return message as ScanMessage;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

function start(): Worker {
  const worker = startLastingThread(new URL('./scan-thread.js', import.meta.url), undefined);
  // Whoever waits for it is told too.
  worker.on('error', () => idle.delete(worker));
  return worker;
}

/** The last one that was used: those that are too many end. */
function takeIdle(): Worker | undefined {
  const [worker, timer] = [...idle].at(-1) ?? [];
  if (!worker) return undefined;
  clearTimeout(timer);
  idle.delete(worker);
  worker.ref();
  return worker;
}

function keepIdle(worker: Worker): void {
  const end = () => {
    idle.delete(worker);
    void worker.terminate();
  };
  worker.unref();
  idle.set(worker, setTimeout(end, IDLE_MS).unref());
}
