/** The figures of one line: who took how long for what, and the tables of them. */
import { FACET_ROOT, FACET_USER, RCLONE } from '../contenders.js';
import { medianOf, type Round, ratioOf } from '../rounds.js';
import { formatRatio, formatSeconds, printTable } from '../table.js';
import { BARE, BARE_TO_FILE, LOCAL, S3FS } from './contenders.js';
import { LIMIT_SECONDS, type Measured } from './measure.js';

const NAMES = [FACET_ROOT, FACET_USER, RCLONE, S3FS, BARE, BARE_TO_FILE, LOCAL];
const FACETS = [FACET_ROOT, FACET_USER];
const OTHERS = [RCLONE, S3FS, BARE, BARE_TO_FILE, LOCAL];
export const SCAN = 'scan';

/** Keeps what was measured. Who was given up might have taken any time, which a median over rounds can bear, and no ratio. */
export function record(
  round: Round,
  work: string,
  contender: string,
  { seconds, cpuSeconds, isGivenUp }: Measured,
): void {
  round.set(key(work, contender), isGivenUp ? Number.POSITIVE_INFINITY : seconds);
  if (!isGivenUp) round.set(cpuKey(work, contender), cpuSeconds);
}

function key(work: string, contender: string): string {
  return `${work}; ${contender}`;
}

function cpuKey(work: string, contender: string): string {
  return `${key(work, contender)}; cpu`;
}

export function printLine(delayMs: number, works: readonly string[], rounds: readonly Round[]): void {
  const present = NAMES.filter(name => works.some(work => medianOf(rounds, key(work, name)) !== undefined));
  printTable(
    `From afar, ${delayMs} ms: seconds (and those of its process on a processor), median of ${rounds.length}`,
    ['work', ...present],
    works.map(work => [work, ...present.map(name => formatCell(rounds, work, name))]),
  );
  console.log(`\nfacet index scan of the bucket took ${formatSeconds(medianOf(rounds, SCAN))}.`);
  printRatios(delayMs, works, rounds, present);
}

function formatCell(rounds: readonly Round[], work: string, name: string): string {
  const [seconds, cpu] = [medianOf(rounds, key(work, name)), medianOf(rounds, cpuKey(work, name))];
  if (seconds === undefined) return '–';
  if (cpu === undefined || seconds === Number.POSITIVE_INFINITY) return `> ${LIMIT_SECONDS} s`;
  return `${formatSeconds(seconds)} (${cpu.toFixed(2)})`;
}

function printRatios(
  delayMs: number,
  works: readonly string[],
  rounds: readonly Round[],
  present: readonly string[],
): void {
  const among = (names: readonly string[]) => names.filter(each => present.includes(each));
  const pairs = among(FACETS).flatMap(above => among(OTHERS).map(below => ({ above, below })));
  printTable(
    `From afar, ${delayMs} ms: ratios (below 1 is faster than the other)`,
    ['work', ...pairs.map(({ above, below }) => `${above} ÷ ${below}`)],
    works.map(work => [
      work,
      ...pairs.map(({ above, below }) => compare(rounds, key(work, above), key(work, below))),
    ]),
  );
}

function compare(rounds: readonly Round[], above: string, below: string): string {
  const isKnown = [above, below].every(each => Number.isFinite(medianOf(rounds, each)));
  return formatRatio(isKnown ? ratioOf(rounds, above, below) : undefined);
}
