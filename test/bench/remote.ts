/**
 * `npm run bench:remote`: reading a bucket of S3 that is 0, 20 and 100 ms away, through facet and through other programs
 * that mount one, beside bare requests. The server is our own, so that it is not what is measured, but listings can be
 * asked of another; every byte that is read has a place that it can be told by, and is checked.
 *
 * Contenders take turns one after the other, each with a mount and a cache of its own: some go on downloading after the
 * reader has gone. Beside the time is the processor time of the process that mounts, which other programs that run at the
 * same time disturb less.
 */
import { join } from 'node:path';
import { type Bench, isProgram, makeFolder, note, remove, runBench } from './bench.js';
import { scan } from './facet.js';
import { touchMemory } from './memory.js';
import { missingPeers } from './peers.js';
import {
  BARE,
  BARE_TO_FILE,
  LOCAL,
  type MountContender,
  makeHome,
  mountContenders,
  ROOMY,
  setCredentials,
} from './remote/contenders.js';
import { measureFetches } from './remote/fetches.js';
import { LIMIT_SECONDS, MountUnderTest, readBare, readFiles } from './remote/measure.js';
import { largeKey, MIB } from './remote/objects.js';
import { promises } from './remote/promises.js';
import { printLine, record, SCAN } from './remote/report.js';
import { type Line, type Lines, type Server, startServer } from './remote/servers.js';
import { startSwift } from './remote/swift.js';
import { chaptersOf, FETCH, LIST, READ_WHOLE, type Work, worksFor } from './remote/works.js';
import { type Round, runRounds } from './rounds.js';
import { type Bound, formatCount, printBounds } from './table.js';

const DELAYS_MS = [0, 20, 100];
const DEFAULT_LISTED = 20_000;

export async function benchRemote(bench: Bench): Promise<void> {
  checkChapters(bench);
  const missing = missingPeers(['rclone', 's3fs']);
  if (missing) console.log(`\n${missing}`);
  setCredentials();
  await (bench.options.server === 'swift' ? benchSwift(bench) : benchQuick(bench));
}

async function benchQuick(bench: Bench): Promise<void> {
  console.log('\nThe S3 server is our own, of generated objects.');
  const size = { largeBytes: bench.options.bigMiB * MIB, listed: listedIn(bench) };
  const server = await startServer(size, delaysOf(bench));
  try {
    await benchLines(bench, server);
    await benchPromises(bench, server);
  } finally {
    await server.close();
  }
}

async function benchSwift(bench: Bench): Promise<void> {
  console.log('\nThe S3 server is OpenStack Swift.');
  note(`uploading ${formatCount(listedIn(bench))} files …`);
  const far = await startSwift(listedIn(bench), delaysOf(bench));
  try {
    await benchLines(bench, far);
  } finally {
    await far.close();
  }
}

function listedIn({ options }: Bench): number {
  return options.files ?? DEFAULT_LISTED;
}

function delaysOf({ options }: Bench): readonly number[] {
  return options.delaysMs.length === 0 ? DELAYS_MS : options.delaysMs;
}

async function benchLines(bench: Bench, { lines }: Lines): Promise<void> {
  for (const line of lines) await benchLine(bench, line, listedIn(bench));
}

function checkChapters({ options }: Bench): void {
  const known = [...chaptersOf(worksFor(0, MIB, 0)), FETCH, ...Object.keys(promises)];
  const unknown = options.only.find(each => !known.includes(each));
  if (unknown !== undefined)
    throw new Error(`--only: there is no chapter '${unknown}', but ${known.join(', ')}`);
  if (options.server === 'swift' && options.only.join() !== LIST)
    throw new Error(`--server swift: it has the files of the listing alone; add --only ${LIST}`);
}

function isWanted({ options }: Bench, chapter: string): boolean {
  return options.only.length === 0 || options.only.includes(chapter);
}

async function benchLine(bench: Bench, line: Line, listed: number): Promise<void> {
  const all = worksFor(line.delayMs, bench.options.bigMiB * MIB, listed);
  const works = all.filter(each => isWanted(bench, each.chapter));
  const fetch = isWanted(bench, FETCH) ? [`fetch ${bench.options.bigMiB} MiB to a file`] : [];
  const names = [...works.map(each => each.name), ...fetch];
  if (names.length === 0) return;
  const rounds = await runRounds(bench.options.rounds ?? 1, async (round, nth) => {
    const folder = makeFolder(bench, `remote-${line.delayMs}-${nth}`);
    const home = await makeHome(folder, line, ROOMY);
    round.set(SCAN, (await scan(home)).seconds);
    await measureBare(line, works, round, folder);
    for (const each of mountContenders(bench, line, folder, home))
      await measureMount(line, each, works, round, folder);
    for (const name of fetch) await measureFetch(bench, line, name, folder, home, round);
    await remove(folder);
  });
  printLine(line.delayMs, names, rounds);
}

/** The bare requests, and what they have written to the local disk. */
async function measureBare(line: Line, works: readonly Work[], round: Round, folder: string): Promise<void> {
  for (const work of works) {
    const { name, task, isWarm = false } = work;
    if ('listed' in task) continue;
    if (!isWarm) record(round, name, BARE, await readBare(line, work, task));
    if (work.fills) await touchMemory(folder, work.fills);
    if (task.plan !== 'inOrder') continue;
    const root = join(folder, 'local');
    const to = join(root, largeKey(READ_WHOLE));
    if (!isWarm) record(round, name, BARE_TO_FILE, await readBare(line, work, task, to));
    else record(round, name, LOCAL, await readFiles({ root, as: undefined }, task, LIMIT_SECONDS));
  }
}

/** Who was given up is not asked to do the same again. */
async function measureMount(
  { delayMs }: Line,
  contender: MountContender,
  works: readonly Work[],
  round: Round,
  folder: string,
): Promise<void> {
  note(`${delayMs} ms: ${contender.name} …`);
  const mount = await MountUnderTest.open(contender);
  const givenUp = new Set<string>();
  try {
    for (const work of works) {
      if (givenUp.has(work.chapter)) continue;
      if (work.fills) await touchMemory(folder, work.fills);
      const measured = await mount.measure(work);
      record(round, work.name, contender.name, measured);
      if (measured.isGivenUp) givenUp.add(work.chapter);
    }
  } finally {
    await mount.close();
  }
}

async function measureFetch(
  bench: Bench,
  line: Line,
  name: string,
  folder: string,
  home: string,
  round: Round,
): Promise<void> {
  note(`${line.delayMs} ms: ${name} …`);
  const fetches = await measureFetches(line, folder, home, bench.options.bigMiB * MIB);
  for (const each of fetches) record(round, name, each.name, each.measured);
}

/** What a delay makes no worse is measured on the shortest line. */
async function benchPromises(bench: Bench, server: Server): Promise<void> {
  const [line] = server.lines;
  const wanted = Object.entries(promises).filter(([chapter]) => isWanted(bench, chapter));
  if (!line || wanted.length === 0) return;
  const bounds: Bound[] = [];
  for (const [, measure] of wanted) bounds.push(...(await measure(bench, server, line)));
  printBounds(bounds);
}

if (isProgram(import.meta.url)) await runBench('facet: from afar', benchRemote);
