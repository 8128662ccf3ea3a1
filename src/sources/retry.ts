/**
 * Another attempt, and when: after one second, then two, and so on to a minute, each a quarter more or less, so that many
 * who failed together do not come back together. Only for failures that may be over in a moment.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { RangeRequest, RemotePlace, RemoteSource } from './remote.js';
import { TransientError } from './web/transient.js';

export interface Retry {
  /** All attempts, the first among them. */
  attempts: number;
  firstWaitMs: number;
  longestWaitMs: number;
  /** Told of each attempt that failed and is followed by another one. */
  onRetry?: ((failed: Failed) => void) | undefined;
}

export interface Failed {
  error: TransientError;
  /** Counted from 1. */
  attempt: number;
  waitMs: number;
}

export const defaultRetry: Retry = { attempts: 3, firstWaitMs: 1000, longestWaitMs: 60_000 };

const JITTER = 0.25;

/** Throws what the last attempt threw, or the signal's reason. */
export async function retried<T>(action: () => Promise<T>, retry: Retry, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      await waitFor(error, attempt, retry, signal);
    }
  }
}

/** Waits until the next attempt; throws the error when there is none. */
async function waitFor(error: unknown, attempt: number, retry: Retry, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!(error instanceof TransientError) || error.isFinal || attempt >= retry.attempts) throw error;
  const waitMs = waitingTime(attempt, retry, error.retryAfterMs);
  retry.onRetry?.({ error, attempt, waitMs });
  await wait(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** As long as the server asks for, but never longer than the longest. */
export function waitingTime(
  attempt: number,
  retry: Pick<Retry, 'firstWaitMs' | 'longestWaitMs'>,
  askedMs = 0,
): number {
  const base = Math.min(retry.longestWaitMs, retry.firstWaitMs * 2 ** (attempt - 1));
  const jittered = base * (1 + JITTER * (2 * Math.random() - 1));
  return Math.round(Math.max(jittered, Math.min(askedMs, retry.longestWaitMs)));
}

/**
 * The source, with another attempt where one failed. A read goes on from the byte that it got to, in the same version.
 * Listings and uploads pass through: sources repeat the requests of these themselves, as a folder must not be told twice and a
 * body cannot be read again.
 */
export function retrying(source: RemoteSource, retry: Retry = defaultRetry): RemoteSource {
  return {
    folders: signal => source.folders(signal),
    stat: (place, signal) => retried(() => source.stat(place, signal), retry, signal),
    read: (place, request) => readOn(source, place, request, retry),
    checksum: (place, request) =>
      retried(async () => source.checksum?.(place, request), retry, request.signal),
    ...(source.put && { put: source.put.bind(source) }),
    close: () => source.close(),
  };
}

async function* readOn(
  source: RemoteSource,
  place: RemotePlace,
  request: RangeRequest,
  retry: Retry,
): AsyncGenerator<Uint8Array> {
  let start = request.start;
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const piece of source.read(place, { ...request, start })) {
        start += piece.length;
        yield piece;
      }
      return;
    } catch (error) {
      await waitFor(error, attempt, retry, request.signal);
    }
  }
}
