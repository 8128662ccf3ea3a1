/** How long something took, for those who are told: in seconds, to the millisecond. */

/** `startedAt` as `performance.now()` said it. */
export function secondsSince(startedAt: number): number {
  return Math.round(performance.now() - startedAt) / 1000;
}
