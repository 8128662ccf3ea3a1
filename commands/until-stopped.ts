/** For commands that run until they are told to end: by a signal, or because nobody reads what they print. */
import type { CommandContext } from './command.js';

/**
 * Starts something and stops it again when it is time. Rejects when `start` does, or with what `fail` was told. To be
 * stopped by a signal is a good end.
 */
export async function untilStopped(
  { onSignal, signal }: CommandContext,
  start: (fail: (error: unknown) => void) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  let fail: (error: unknown) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    fail = reject;
    onSignal(() => resolve());
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Looked at below; it may end before that.
  ended.catch(() => {});
  const started = await start(error => fail(error));
  try {
    await ended;
  } finally {
    await started.stop();
  }
}
