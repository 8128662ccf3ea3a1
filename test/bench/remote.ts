/**
 * `npm run bench:remote`: reading a bucket of S3 that is 0, 20 and 100 ms away, through facet and through other programs
 * that mount one, beside bare requests. The server is our own, so that it is not what is measured; every byte that is read
 * has a place that it can be told by, and is checked.
 *
 * Contenders take turns one after the other, each with a mount and a cache of its own: some go on downloading after the
 * reader has gone. Beside the time is the processor time of the process that mounts, which other programs that run at the
 * same time disturb less.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Bench, isProgram, makeFolder, note, remove, runBench } from './bench.js';
import { FACET_ROOT, FACET_USER, RCLONE } from './contenders.js';
import { scan } from './facet.js';
import { missingPeers } from './peers.js';
import {
  BARE,
  BARE_TO_FILE,
  LOCAL,
  makeHome,
  mountContenders,
  S3FS,
  setCredentials,
} from './remote/contenders.js';
import { LIMIT_SECONDS, type Measured, MountUnderTest, readBare, readFiles } from './remote/measure.js';
import { largeKey, MIB } from './remote/objects.js';
import { type Line, startServer } from './remote/servers.js';
import { READ_WHOLE, type Work, worksFor } from './remote/works.js';
import { medianOf, type Round, ratioOf, runRounds } from './rounds.js';
import { formatRatio, formatSeconds, printTable } from './table.js';

const DELAYS_MS = [0, 20, 100];
const DEFAULT_LISTED = 20_000;
const NAMES = [FACET_ROOT, FACET_USER, RCLONE, S3FS, BARE, BARE_TO_FILE, LOCAL];
/** Much more than is read, so that nothing has to go. */
const ROOMY_BYTES = 60e9;

export async function benchRemote(bench: Bench): Promise<void> {
  const missing = missingPeers(['rclone', 's3fs']);
  if (missing) console.log(`\n${missing}`);
  setCredentials();
  const size = { largeBytes: bench.options.bigMiB * MIB, listed: bench.options.files ?? DEFAULT_LISTED };
  const server = await startServer(size, DELAYS_MS);
  try {
    for (const line of server.lines) {
      const works = worksFor(line.delayMs, size.largeBytes, size.listed).filter(each =>
        isWanted(bench, each.chapter),
      );
      const rounds = await runRounds(bench.options.rounds ?? 1, (round, nth) =>
        measureLine(bench, line, works, round, nth),
      );
      printLine(line, works, rounds);
    }
  } finally {
    await server.close();
  }
}

function isWanted({ options }: Bench, chapter: string): boolean {
  return options.only.length === 0 || options.only.includes(chapter);
}

async function measureLine(
  bench: Bench,
  line: Line,
  works: readonly Work[],
  round: Round,
  nth: number,
): Promise<void> {
  const folder = makeFolder(bench, `remote-${line.delayMs}-${nth}`);
  const home = await makeHome(folder, line, { maxBytes: ROOMY_BYTES });
  round.set('scan', (await scan(home)).seconds);
  await measureBare(line, works, round, join(folder, 'local'));
  for (const contender of mountContenders(bench, line, folder, home)) {
    note(`${line.delayMs} ms: ${contender.name} …`);
    const mount = await MountUnderTest.open(contender);
    try {
      for (const work of works) record(round, work, contender.name, await mount.measure(work));
    } finally {
      await mount.close();
    }
  }
  await remove(folder);
}

/** The bare requests, and what they have written to the local disk. */
async function measureBare(line: Line, works: readonly Work[], round: Round, folder: string): Promise<void> {
  for (const work of works) {
    const { order, isWarm = false } = work;
    if (order === undefined) continue;
    if (!isWarm) record(round, work, BARE, await readBare(line, work, order));
    if (order.plan !== 'inOrder') continue;
    const to = join(folder, largeKey(READ_WHOLE));
    mkdirSync(dirname(to), { recursive: true });
    if (!isWarm) record(round, work, BARE_TO_FILE, await readBare(line, work, order, to));
    else record(round, work, LOCAL, await readFiles({ root: folder, as: undefined }, order));
  }
}

function record(
  round: Round,
  { name }: Work,
  contender: string,
  { seconds, cpuSeconds, isGivenUp }: Measured,
): void {
  round.set(key(name, contender), seconds);
  if (!isGivenUp) round.set(cpuKey(name, contender), cpuSeconds);
}

function key(work: string, contender: string): string {
  return `${work}; ${contender}`;
}

function cpuKey(work: string, contender: string): string {
  return `${key(work, contender)}; cpu`;
}

function printLine({ delayMs }: Line, works: readonly Work[], rounds: readonly Round[]): void {
  const cell = (work: string, name: string) => {
    const [seconds, cpu] = [medianOf(rounds, key(work, name)), medianOf(rounds, cpuKey(work, name))];
    if (seconds === undefined) return '–';
    return cpu === undefined ? `> ${LIMIT_SECONDS} s` : `${formatSeconds(seconds)} (${cpu.toFixed(2)})`;
  };
  const present = NAMES.filter(name =>
    works.some(work => medianOf(rounds, key(work.name, name)) !== undefined),
  );
  printTable(
    `From afar, ${delayMs} ms: time (processor seconds of its process), median of ${rounds.length}`,
    ['work', ...present],
    works.map(({ name }) => [name, ...present.map(each => cell(name, each))]),
  );
  console.log(`\nfacet index scan of the bucket took ${formatSeconds(medianOf(rounds, 'scan'))}.`);
  const pairs = present
    .filter(each => each === FACET_ROOT || each === FACET_USER)
    .flatMap(above =>
      [RCLONE, S3FS, BARE, LOCAL].filter(each => present.includes(each)).map(below => ({ above, below })),
    );
  printTable(
    `From afar, ${delayMs} ms: ratios (below 1 is faster than the other)`,
    ['work', ...pairs.map(({ above, below }) => `${above} ÷ ${below}`)],
    works.map(({ name }) => [
      name,
      ...pairs.map(({ above, below }) => formatRatio(ratioOf(rounds, key(name, above), key(name, below)))),
    ]),
  );
}

if (isProgram(import.meta.url)) await runBench('facet: from afar', benchRemote);
