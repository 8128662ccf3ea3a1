/**
 * `npm run bench:index`: how fast a large folder becomes a catalog, and how fast the catalog is brought up to date again.
 * The yardstick is find(1), which asks for the same attributes, on the same tree in the same round.
 */
import { renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Bench,
  isProgram,
  type LargeTree,
  largeTree,
  makeFolder,
  note,
  remove,
  runBench,
} from './bench.js';
import { catalogBytes, digestListing, facet, type Scan, scan } from './facet.js';
import { run } from './processes.js';
import { derivedOf, figures, medianOf, type Round, ratioOf, runRounds } from './rounds.js';
import {
  type Bound,
  formatCount,
  formatMegabytes,
  formatRatio,
  formatSeconds,
  formatSpread,
  printBounds,
  printTable,
} from './table.js';
import { everyPath, fileSize, folderCount, folderPath, type Tree } from './trees.js';

const DEFAULT_FILES = 1_000_000;
const DEFAULT_ROUNDS = 3;

/** One file in so many is changed, and one folder in so many renamed. */
const CHANGED_SHARE = 100;

const FIND = 'find -printf';
const FIRST = 'first scan';
const SECOND = 'second scan, nothing changed';
const CHANGED = 'scan after 1 % of the files changed';
const RENAMED = 'scan after 1 % of the folders were renamed';
const RESUMED = 'scan after kill -9 at half of a first scan';
const WORKS = [FIND, FIRST, SECOND, CHANGED, RENAMED];

export async function benchIndex(bench: Bench): Promise<void> {
  const tree = await largeTree(bench, DEFAULT_FILES);
  // The kernel's caches are warm for every round alike.
  await find(tree);
  const rounds = await runRounds(bench.options.rounds ?? DEFAULT_ROUNDS, (round, nth) =>
    measureRound(bench, tree, round, nth),
  );
  const files = medianOf(rounds, 'files') ?? 0;
  const interruption = await measureInterruption(bench, tree, medianOf(rounds, 'catalog bytes') ?? 0);
  printScans(rounds, files, interruption);
  printIndexBounds(rounds, files, interruption);
}

async function find({ root }: LargeTree): Promise<number> {
  const { seconds } = await run('find', [root, '-printf', '%s %T@ %p\\n']);
  return seconds;
}

async function addSource(home: string, { root }: LargeTree): Promise<void> {
  await facet(home, ['index', 'add', 'bench', root]);
}

async function measureRound(bench: Bench, tree: LargeTree, round: Round, nth: number): Promise<void> {
  note(`round ${nth + 1} …`);
  const home = makeFolder(bench, `home-${nth}`);
  await addSource(home, tree);
  round.set(FIND, await find(tree));
  const first = await scan(home);
  record(round, FIRST, first);
  round.set('files', first.files);
  round.set('catalog bytes', catalogBytes(home));
  round.set('find before the second scan', await find(tree));
  record(round, SECOND, await scan(home));
  if (tree.generated) await measureChanges(home, tree.generated, round);
  await remove(home);
}

function record(round: Round, work: string, { seconds, peakRss }: Scan): void {
  round.set(work, seconds);
  round.set(`${work}: memory`, peakRss);
}

async function measureChanges(home: string, tree: Tree, round: Round): Promise<void> {
  changeFiles(tree);
  const changed = await scan(home);
  expect(changed.modified, Math.ceil(tree.files / CHANGED_SHARE), 'modified');
  record(round, CHANGED, changed);
  renameFolders(tree, '', RENAMED_SUFFIX);
  try {
    const renamed = await scan(home);
    expect(renamed.added + renamed.deleted, 0, 'added or deleted, as all were renamed');
    record(round, RENAMED, renamed);
  } finally {
    renameFolders(tree, RENAMED_SUFFIX, '');
  }
}

/** A figure of a scan that did something else is worth nothing. */
function expect(actual: number, wanted: number, what: string): void {
  if (actual !== wanted) throw new Error(`expected ${wanted} files ${what}, found ${actual}`);
}

let timesChanged = 0;

/** Other sizes and times, the same names. */
function changeFiles(tree: Tree): void {
  timesChanged++;
  for (const [at, path] of everyPath(tree, 0, CHANGED_SHARE).entries()) {
    truncateSync(path, fileSize(tree, at * CHANGED_SHARE) + timesChanged);
  }
}

const RENAMED_SUFFIX = ' (renamed)';

function renameFolders(tree: Tree, from: string, to: string): void {
  for (let nth = 0; nth < folderCount(tree); nth += CHANGED_SHARE) {
    const path = join(tree.root, folderPath(tree, nth));
    renameSync(`${path}${from}`, `${path}${to}`);
  }
}

interface Interruption {
  resumed: Scan;
  isEqual: boolean;
}

/** Kills a first scan half-way, scans again, and compares the listing with that of a scan that ran to its end. */
async function measureInterruption(
  bench: Bench,
  tree: LargeTree,
  wholeCatalogBytes: number,
): Promise<Interruption> {
  note('kill -9 …');
  const [killed, whole] = [makeFolder(bench, 'home-killed'), makeFolder(bench, 'home-whole')];
  await addSource(killed, tree);
  const killWhen = () => catalogBytes(killed) > wholeCatalogBytes / 2;
  await facet(killed, ['index', 'scan'], { killWhen, mayFail: true });
  const resumed = await scan(killed);
  await addSource(whole, tree);
  await scan(whole);
  const [one, other] = [await digestListing(killed), await digestListing(whole)];
  await remove(killed);
  await remove(whole);
  return { resumed, isEqual: one.digest === other.digest && one.files === other.files };
}

function printScans(rounds: Round[], files: number, { resumed }: Interruption): void {
  const rows = WORKS.map(work => {
    const seconds = medianOf(rounds, work);
    return [
      work,
      formatSpread(figures(rounds, work), seconds),
      seconds === undefined ? '–' : formatCount(files / seconds),
      formatRatio(ratioOf(rounds, work, FIND)),
      formatMegabytes(medianOf(rounds, `${work}: memory`)),
    ];
  });
  rows.push([
    RESUMED,
    formatSeconds(resumed.seconds),
    formatCount(files / resumed.seconds),
    '–',
    formatMegabytes(resumed.peakRss),
  ]);
  printTable(
    `Index: ${formatCount(files)} files, median (least) of ${rounds.length} rounds`,
    ['work', 'time', 'files/s', '÷ find', 'peak memory'],
    rows,
  );
}

function printIndexBounds(rounds: Round[], files: number, { resumed, isEqual }: Interruption): void {
  const bytes = medianOf(rounds, 'catalog bytes') ?? 0;
  console.log(`\nCatalog: ${formatMegabytes(bytes)}, ${(bytes / files).toFixed(0)} bytes a file.`);
  console.log(
    `Killed at half: ${formatCount(resumed.unchanged)} files were kept and ${formatCount(resumed.added)} added by the next scan; ` +
      `its listing is ${isEqual ? 'EQUAL' : 'NOT EQUAL'} to that of a scan that was not interrupted.`,
  );
  printBounds(indexBounds(rounds, files));
}

function indexBounds(rounds: Round[], files: number): Bound[] {
  const first = medianOf(rounds, FIRST);
  return [
    {
      says: 'first scan, files a second (the bound is for a million)',
      measured: first === undefined ? undefined : files / first,
      bound: 100_000,
      atLeast: true,
      format: formatCount,
    },
    {
      says: 'second scan of an unchanged tree, against 1.5 × find + 1 s per million files (for a million)',
      measured: medianOf(rounds, SECOND),
      bound:
        derivedOf(rounds, ['find before the second scan'], ([seconds = 0]) => 1.5 * seconds + files / 1e6) ??
        0,
      format: formatSeconds,
    },
  ];
}

if (isProgram(import.meta.url)) await runBench('facet: index', benchIndex);
