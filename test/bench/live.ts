/**
 * `npm run bench:live`: how soon what a program writes is in the mount, how long an unpacked archive takes to be there
 * completely, and what it costs to watch when nothing happens.
 *
 * Another kind of source is one more function that adds rows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Bench, isProgram, makeFolder, note, runBench, treeOf } from './bench.js';
import { facet, facetArguments, scan } from './facet.js';
import { assertLikeFresh } from './fresh.js';
import { cpuSecondsOf, memoryOf, run, stopProcess } from './processes.js';
import { startMount } from './ready.js';
import { type Bound, formatCount, formatMegabytes, formatSeconds, printBounds, printTable } from './table.js';
import { libraryTree, type Tree } from './trees.js';

const FOLDERS = 40_000;
const DEFAULT_FILES = 50_000;
const DEFAULT_WRITES = 200;
const IDLE_SECONDS = 10;
const PATIENCE_MS = 10_000;

/** One line of the table, and what is promised of it. */
interface Row {
  says: string;
  measured: number;
  bound?: number;
  format: (figure: number) => string;
}

export async function benchLive(bench: Bench): Promise<void> {
  const rows = await watchedRows(bench);
  printTable(
    'Live',
    ['what', 'measured'],
    rows.map(({ says, measured, format }) => [says, format(measured)]),
  );
  const bounds = rows.flatMap(({ bound, ...row }): Bound[] =>
    bound === undefined ? [] : [{ ...row, bound }],
  );
  printBounds(bounds);
}

/** A watched folder with many folders, while it is mounted. */
async function watchedRows(bench: Bench): Promise<Row[]> {
  const tree = await treeOf(bench, 'many-folders', root => manyFolders(root));
  const home = makeFolder(bench, 'live-home');
  const mountpoint = makeFolder(bench, join('mounts', 'live'));
  await facet(home, ['index', 'add', 'live', tree.root, '--watch']);
  await scan(home);
  const { child } = await startMount({
    program: process.execPath,
    args: facetArguments(home, 'mount', mountpoint),
    mountpoint,
  });
  try {
    const written = join(tree.root, 'written');
    mkdirSync(written);
    const shown = join(mountpoint, 'live/written');
    // In the mount when the watcher has listed everything.
    await secondsUntilShown(written, shown, 'first');
    return [
      ...(await latencyRows(bench, written, shown)),
      await unpackRow(bench, tree.root, home),
      ...(await idleRows(child.pid)),
    ];
  } finally {
    await stopProcess(child);
  }
}

function manyFolders(root: string): Tree {
  return { ...libraryTree(root, FOLDERS), filesPerFolder: 1, bytes: 1 };
}

async function latencyRows(bench: Bench, root: string, shown: string): Promise<Row[]> {
  note('writing files …');
  const seconds: number[] = [];
  for (let nth = 0; nth < (bench.options.rounds ?? DEFAULT_WRITES); nth++) {
    seconds.push(await secondsUntilShown(root, shown, `written ${nth}`));
    // At another moment of whoever looks now and then.
    await sleep(20 + ((nth * 37) % 100));
  }
  seconds.sort((one, other) => one - other);
  const percentile = (share: number) => seconds[Math.floor((seconds.length - 1) * share)] ?? Number.NaN;
  return [
    {
      says: 'a write is in the mount, median',
      measured: percentile(0.5),
      bound: 0.15,
      format: formatSeconds,
    },
    {
      says: 'a write is in the mount, 99 of 100',
      measured: percentile(0.99),
      bound: 1,
      format: formatSeconds,
    },
  ];
}

async function secondsUntilShown(root: string, shown: string, name: string): Promise<number> {
  writeFileSync(join(root, name), 'x');
  const startedAt = performance.now();
  while (!(await isThere(shown, name))) {
    if (performance.now() - startedAt > PATIENCE_MS * 6) throw new Error(`${name} is not in the mount`);
    await sleep(1);
  }
  return (performance.now() - startedAt) / 1000;
}

/** Listed, because a name that was asked for before it was there stays absent for up to a tenth of a second in the kernel. */
async function isThere(folder: string, name: string): Promise<boolean> {
  return readdir(folder).then(
    names => names.includes(name),
    () => false,
  );
}

/** From the start of tar until the catalog has all that it writes. */
async function unpackRow(bench: Bench, root: string, home: string): Promise<Row> {
  const files = bench.options.files ?? DEFAULT_FILES;
  const tree = await treeOf(bench, `library-${files}`, below => libraryTree(below, files));
  const archive = join(bench.folder, 'archive.tar');
  await run('tar', ['-C', tree.root, '-Scf', archive, '.']);
  note('unpacking …');
  const before = await knownFiles(home);
  const unpackedTo = join(root, 'unpacked');
  mkdirSync(unpackedTo);
  const startedAt = performance.now();
  await run('tar', ['-C', unpackedTo, '-xf', archive]);
  const unpacked = (performance.now() - startedAt) / 1000;
  while ((await knownFiles(home)) < before + files) await sleep(100);
  const seconds = (performance.now() - startedAt) / 1000;
  // Sizes and times come with the next listing of a folder, half a second later at most.
  await sleep(2_000);
  await assertLikeFresh(bench, home, root);
  const says = `tar x of ${formatCount(files)} files is in the catalog (tar alone ${formatSeconds(unpacked)})`;
  return { says, measured: seconds, format: formatSeconds };
}

const status = z.object({ files: z.number() });

async function knownFiles(home: string): Promise<number> {
  const { stdout } = await facet(home, ['index', 'status', '--json'], { capture: true });
  return status.parse(JSON.parse(stdout)).files;
}

async function idleRows(pid: number | undefined): Promise<Row[]> {
  note('doing nothing …');
  await sleep(3_000);
  const before = cpuSecondsOf(pid);
  await sleep(IDLE_SECONDS * 1000);
  const share = (cpuSecondsOf(pid) - before) / IDLE_SECONDS;
  const folders = `${formatCount(FOLDERS)} folders watched, and mounted`;
  return [
    { says: `idle: share of a core, ${folders}`, measured: share, bound: 0.02, format: formatShare },
    { says: `memory, ${folders}`, measured: memoryOf(pid, 'VmRSS'), format: formatMegabytes },
  ];
}

function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

if (isProgram(import.meta.url)) await runBench('facet: live', benchLive);
