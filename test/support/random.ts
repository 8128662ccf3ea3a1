/** Numbers that look random and are the same in every run: what fails once fails again. */

/** Returns a function that picks an integer from 0 to below its argument. The generator is Mulberry32. */
export function seededPicks(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** For fast-check: the same seed in every run, printed when a property fails; another with FACET_TEST_SEED. */
export function runs(numRuns: number): { numRuns: number; seed: number } {
  return { numRuns, seed: Number(process.env.FACET_TEST_SEED ?? 1) };
}
