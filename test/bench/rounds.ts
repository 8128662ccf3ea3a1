/**
 * What was measured, round by round. In each round every contender takes its turn, so that whatever else the machine does
 * meets all of them; ratios are formed within a round, and the median of the rounds counts.
 */

/** The figures of one round, by name. */
export type Round = Map<string, number>;

/** Runs the rounds one after the other. */
export async function runRounds(
  count: number,
  round: (figures: Round, nth: number) => Promise<void>,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let nth = 0; nth < count; nth++) {
    const figures: Round = new Map();
    await round(figures, nth);
    rounds.push(figures);
  }
  return rounds;
}

/** The figures of that name, of the rounds that have one. */
export function figures(rounds: readonly Round[], name: string): number[] {
  return rounds.flatMap(round => round.get(name) ?? []);
}

/** Undefined when there are none. */
export function median(numbers: readonly number[]): number | undefined {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

export function medianOf(rounds: readonly Round[], name: string): number | undefined {
  return median(figures(rounds, name));
}

/** How `name` compares with `base`: the median of the ratios; undefined when no round has both. */
export function ratioOf(rounds: readonly Round[], name: string, base: string): number | undefined {
  return median(
    rounds.flatMap(round => {
      const [above, below] = [round.get(name), round.get(base)];
      return above === undefined || below === undefined ? [] : above / below;
    }),
  );
}

/** A figure that is computed from others of the same round; undefined when a round lacks one of them. */
export function derivedOf(
  rounds: readonly Round[],
  names: readonly string[],
  derive: (values: readonly number[]) => number,
): number | undefined {
  return median(
    rounds.flatMap(round => {
      const values = names.flatMap(name => round.get(name) ?? []);
      return values.length === names.length ? derive(values) : [];
    }),
  );
}
