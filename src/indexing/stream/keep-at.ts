/** Work with a server that goes on for as long as the process runs, and is begun anew whenever it fails. */
import { setTimeout as wait } from 'node:timers/promises';
import { errorMessage, FacetError } from '../../errors.js';
import { waitingTime } from '../../sources/retry.js';

const RETRY = { firstWaitMs: 250, longestWaitMs: 15_000 };

export interface KeptWork {
  /** Until the connection is lost, or more is wrong. Calls `isWell` whenever all is as it should be. */
  work: (isWell: () => void) => Promise<void>;
  /** Told once, however often it is tried. That another process does the work is no problem. */
  onProblem: (message: string, hint: string | undefined) => void;
  signal: AbortSignal;
}

/** Resolves when the signal says so, and nothing of the work runs any more. */
export async function keepAt({ work, onProblem, signal }: KeptWork): Promise<void> {
  let [failures, problem] = [0, ''];
  const isWell = () => {
    [failures, problem] = [0, ''];
  };
  while (!signal.aborted) {
    try {
      await work(isWell);
    } catch (error) {
      if (signal.aborted) return;
      const message = errorMessage(error);
      const isOthers = error instanceof FacetError && error.code === 'in-use';
      if (message !== problem && !isOthers) {
        problem = message;
        onProblem(message, error instanceof FacetError ? error.hint : undefined);
      }
    }
    failures++;
    await wait(waitingTime(failures, RETRY), undefined, { signal }).catch(() => {});
  }
}
