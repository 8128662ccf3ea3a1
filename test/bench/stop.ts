/** The one signal that ends a benchmark early: Ctrl-C and SIGTERM. Whatever was begun is still cleaned up. */

const controller = new AbortController();

/** Aborted when somebody asked the benchmark to stop. */
export const stopSignal: AbortSignal = controller.signal;

/** To be called once, by the benchmark that the user started. */
export function listenForStop(): void {
  const stop = (signal: NodeJS.Signals) => controller.abort(new Error(`stopped by ${signal}`));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
