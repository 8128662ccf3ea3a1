/**
 * `npm run soak`: two programs change a watched folder at random while two others read all of it through a mount. In the end
 * the mount shows what is on disk, the catalog is what a fresh one would be, and nothing has grown on the way.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Bench, isProgram, makeFolder, note, runBench } from './bench.js';
import { facet, facetArguments, scan } from './facet.js';
import { assertLikeFresh } from './fresh.js';
import { gather, stopProcess } from './processes.js';
import { startMount } from './ready.js';
import { type Gauge, gauges, quarters } from './soak/samples.js';
import { see } from './soak/see.js';
import { stopSignal } from './stop.js';
import { type Bound, formatCount, formatRatio, printBounds, printTable } from './table.js';

const DEFAULT_SECONDS = 600;
const SAMPLES = 400;
/** So much more is no growth: memory that was freed is used again when it suits the collector. */
const TOLERATED = 1.1;
const PATIENCE_MS = 30_000;

async function benchSoak(bench: Bench): Promise<void> {
  const [root, home] = [makeFolder(bench, 'soak'), makeFolder(bench, 'soak-home')];
  const mountpoint = makeFolder(bench, join('mounts', 'soak'));
  await facet(home, ['index', 'add', 'live', root, '--watch']);
  await scan(home);
  const args = facetArguments(home, 'mount', mountpoint);
  const { child } = await startMount({ program: process.execPath, args, mountpoint });
  const said = gather(child.stderr);
  const shown = join(mountpoint, 'live');
  try {
    const measured = gauges(join(home, 'catalog.db-wal'), root);
    const figures = await exercise(bench, root, shown, () => measured.map(each => each.read(child.pid)));
    await assertShown(root, shown);
    await assertLikeFresh(bench, home, root);
    console.log('EQUAL: the mount and the disk, the catalog and a fresh one.');
    report(measured, figures);
  } finally {
    if (said() !== '') console.log(`The mount said: ${said().trim()}`);
    await stopProcess(child);
  }
}

/** Resolves to the samples, when writers and readers have ended. */
async function exercise(
  { options }: Bench,
  root: string,
  shown: string,
  sample: () => number[],
): Promise<number[][]> {
  const seconds = options.seconds ?? DEFAULT_SECONDS;
  const crew = [begin('writer', root, '1'), begin('writer', root, '2')];
  // The mount shows the folder as soon as something is in it.
  await sleep(1_000);
  crew.push(begin('reader', shown), begin('reader', shown));
  try {
    const figures: number[][] = [];
    for (let nth = 0; nth < SAMPLES; nth++) {
      await sleep((seconds * 1000) / SAMPLES, undefined, { signal: stopSignal });
      if (crew.some(({ child: { exitCode } }) => exitCode !== null)) break;
      figures.push(sample());
      if (nth % (SAMPLES / 20) === 0) note(`${formatCount((100 * nth) / SAMPLES)} % …`);
    }
    const [changes, seen] = sums(await Promise.all(crew.map(each => each.end())));
    console.log(
      `\n${formatCount(changes)} changes, and ${formatCount(seen)} files and folders read, in ${seconds} s.`,
    );
    return figures;
  } finally {
    for (const { child } of crew) child.kill('SIGKILL');
  }
}

function sums([one = 0, other = 0, third = 0, fourth = 0]: number[]): [changes: number, seen: number] {
  return [one + other, third + fourth];
}

interface Member {
  child: ChildProcess;
  /** Resolves to what it counted. Throws what it says when it has failed, now or long ago. */
  end(): Promise<number>;
}

function begin(role: 'writer' | 'reader', ...args: string[]): Member {
  const program = fileURLToPath(new URL(`./soak/${role}.js`, import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [counted, words] = [gather(child.stdout), gather(child.stderr)];
  const closed = new Promise<number | null>(resolve => child.once('close', resolve));
  child.stdin.on('error', () => {});
  return {
    child,
    async end() {
      child.stdin.end();
      if ((await closed) !== 0) throw new Error(`a ${role} failed: ${words().trim()}`);
      return Number(counted());
    },
  };
}

/** What was written before a file that is shown is shown as well, but for sizes and times: half a second later at most. */
async function assertShown(root: string, shown: string): Promise<void> {
  writeFileSync(join(root, 'the end'), '');
  for (const deadline = performance.now() + PATIENCE_MS; !see(shown).has('the end'); await sleep(50)) {
    if (performance.now() > deadline) throw new Error('what was written last does not come into the mount');
  }
  await sleep(2_000);
  const [disk, mount] = [see(root), see(shown)];
  const paths = new Set([...disk.keys(), ...mount.keys()]);
  const wrong = [...paths].filter(path => disk.get(path) !== mount.get(path));
  if (wrong.length === 0) return;
  const lines = wrong.map(path => `${path}: ${disk.get(path)} on disk, ${mount.get(path)} in the mount`);
  throw new Error(`the mount is not what is on disk:\n${lines.join('\n')}`);
}

function report(measured: readonly Gauge[], figures: readonly number[][]): void {
  const rows = measured.map(({ says, format }, at) => {
    const all = figures.map(sample => sample[at] ?? Number.NaN);
    return { says, medians: quarters(all), most: Math.max(...all), format };
  });
  printTable(
    'Soak: medians of each quarter',
    ['', 'first', 'second', 'third', 'last', 'at most'],
    rows.map(({ says, medians, most, format }) => [says, ...[...medians, most].map(format)]),
  );
  printBounds(
    rows.map(({ says, medians: [, second = 0, , last = 0] }): Bound => {
      const measured = (last + 1) / (second + 1);
      return {
        says: `${says}, last quarter against the second`,
        measured,
        bound: TOLERATED,
        format: formatRatio,
      };
    }),
  );
}

if (isProgram(import.meta.url)) await runBench('facet: soak', benchSoak);
