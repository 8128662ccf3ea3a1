/**
 * `npm run bench:start`: how long facet takes to start, against bare Node, and whether the number of files matters. Nothing
 * is rebuilt when a mount starts, so it must not.
 */
import { join } from 'node:path';
import { type Bench, isProgram, largeTree, makeFolder, note, runBench, treeOf } from './bench.js';
import { facet, facetArguments, scan } from './facet.js';
import { run, stopProcess } from './processes.js';
import { startMount } from './ready.js';
import { derivedOf, figures, medianOf, type Round, ratioOf, runRounds } from './rounds.js';
import {
  type Bound,
  formatCount,
  formatRatio,
  formatSeconds,
  formatSpread,
  printBounds,
  printTable,
} from './table.js';
import { libraryTree } from './trees.js';

const SMALL_FILES = 1_000;
const DEFAULT_LARGE_FILES = 1_000_000;
const DEFAULT_ROUNDS = 15;

/** A catalog, and the mountpoint for its tree. */
interface Subject {
  home: string;
  mountpoint: string;
  files: number;
}

const BARE = "node -e ''";
const HELP = 'facet --help';
const STATUS = 'facet cache status --json';

export async function benchStart(bench: Bench): Promise<void> {
  const small = await prepare(bench, 'small', (await smallTree(bench)).root);
  const large = await prepare(bench, 'large', (await largeTree(bench, DEFAULT_LARGE_FILES)).root);
  const rounds = await runRounds(bench.options.rounds ?? DEFAULT_ROUNDS, async (round, nth) => {
    note(`round ${nth + 1} …`);
    await measureCommands(round, small, large);
    await measureMounts(round, small, large);
  });
  printStarts(rounds, small, large);
  printBounds(startBounds(rounds, small, large));
}

function smallTree(bench: Bench) {
  return treeOf(bench, 'thousand', root => libraryTree(root, SMALL_FILES));
}

async function prepare(bench: Bench, name: string, root: string): Promise<Subject> {
  const home = makeFolder(bench, `start-${name}`);
  const mountpoint = makeFolder(bench, join('mounts', name));
  await facet(home, ['index', 'add', 'bench', root]);
  const { files } = await scan(home);
  return { home, mountpoint, files };
}

async function measureCommands(round: Round, small: Subject, large: Subject): Promise<void> {
  const time = async (work: string, ...args: string[]) => {
    const { seconds } = await run(process.execPath, args);
    round.set(work, seconds);
  };
  await time(BARE, '-e', '');
  await time(HELP, ...facetArguments(large.home, '--help'));
  await time(STATUS, ...facetArguments(large.home, 'cache', 'status', '--json'));
  for (const subject of [small, large]) {
    await time(listing(subject), ...facetArguments(subject.home, 'index', 'ls', '/', '--json'));
  }
}

async function measureMounts(round: Round, small: Subject, large: Subject): Promise<void> {
  for (const subject of [small, large]) {
    const { home, mountpoint } = subject;
    const { child, secondsToReady } = await startMount({
      program: process.execPath,
      args: facetArguments(home, 'mount', mountpoint),
      mountpoint,
    });
    await stopProcess(child);
    round.set(mounting(subject), secondsToReady);
  }
}

function listing({ files }: Subject): string {
  return `facet index ls / --json, ${formatCount(files)} files`;
}

function mounting({ files }: Subject): string {
  return `facet mount until it answers, ${formatCount(files)} files`;
}

function printStarts(rounds: Round[], small: Subject, large: Subject): void {
  const works = [BARE, HELP, STATUS, listing(small), listing(large), mounting(small), mounting(large)];
  const rows = works.map(work => [
    work,
    formatSpread(figures(rounds, work), medianOf(rounds, work)),
    formatRatio(ratioOf(rounds, work, BARE)),
  ]);
  printTable(`Start: median (least) of ${rounds.length} rounds`, ['work', 'time', '÷ bare node'], rows);
}

function startBounds(rounds: Round[], small: Subject, large: Subject): Bound[] {
  const moreThanBare = (subject: Subject) =>
    derivedOf(rounds, [mounting(subject), BARE], ([mount = 0, bare = 0]) => mount - bare);
  return [
    { says: HELP, measured: ratioOf(rounds, HELP, BARE), bound: 1.6, format: formatRatio },
    { says: STATUS, measured: ratioOf(rounds, STATUS, BARE), bound: 1.8, format: formatRatio },
    {
      says: `mount ready, ${formatCount(large.files)} against ${formatCount(small.files)} files`,
      measured: ratioOf(rounds, mounting(large), mounting(small)),
      bound: 1.2,
      format: formatRatio,
    },
    ...[small, large].map(subject => ({
      says: `mount ready, more than bare node, ${formatCount(subject.files)} files`,
      measured: moreThanBare(subject),
      bound: 0.3,
      format: formatSeconds,
    })),
  ];
}

if (isProgram(import.meta.url)) await runBench('facet: start', benchStart);
