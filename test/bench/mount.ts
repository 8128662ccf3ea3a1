/**
 * `npm run bench:mount`: reading through the mount, against the folder itself and against other programs that show a
 * folder through FUSE. As root also the mount of an unprivileged user, who has no passthrough.
 *
 * A request through FUSE wakes two processes. Where the scheduler puts them decides what that costs: on an idle machine
 * waking a sleeping core can take longer than the work itself, so figures of the same work may differ by a factor of two
 * from run to run, for every contender. `taskset -c 0 npm run bench:mount` keeps all of them on one core.
 */
import { type Bench, isProgram, makeFolder, note, runBench } from './bench.js';
import {
  BINDFS,
  type Contender,
  contenders,
  FACET_ROOT,
  FACET_USER,
  NATIVE,
  RCLONE,
  type View,
} from './contenders.js';
import { facet, scan } from './facet.js';
import {
  CAT_SMALL,
  type Chapter,
  chapters,
  FIND_AGAIN,
  FIND_ALL,
  FIND_HALF,
  FIND_SMALL,
  readBig,
  readTwo,
} from './mount-works.js';
import { missingPeers } from './peers.js';
import { memoryOf } from './processes.js';
import { figures, medianOf, type Round, ratioOf, runRounds } from './rounds.js';
import {
  type Bound,
  formatCount,
  formatMegabytes,
  formatRatio,
  formatSpread,
  printBounds,
  printTable,
} from './table.js';

const DEFAULT_ROUNDS = 3;
const FACETS = [FACET_ROOT, FACET_USER];

export async function benchMount(bench: Bench): Promise<void> {
  const all = await chapters(bench);
  const home = makeFolder(bench, 'mount-home');
  const files = await index(home, all);
  const present = await thoseThatMount(contenders(bench, home), all);
  // The native round warms the kernel's caches of the originals, for everybody.
  for (const chapter of all) await measureChapter(new Map(), chapter, present.slice(0, 1), 0);
  const rounds = await runRounds(bench.options.rounds ?? DEFAULT_ROUNDS, async (round, nth) => {
    note(`round ${nth + 1} …`);
    const taking = present.filter(each => nth === 0 || !each.isSlow);
    for (const chapter of all) await measureChapter(round, chapter, taking, nth);
  });
  printWorks(rounds, all, present, files);
  printRatios(rounds, all, present);
  printMemory(rounds, present);
  printBounds(mountBounds(rounds, bench.options.bigMiB));
}

/** Makes each folder a source, and returns how many files they have together. */
async function index(home: string, all: readonly Chapter[]): Promise<number> {
  for (const [name, { shown }] of new Map(all.map(each => [each.shown.name, each]))) {
    await facet(home, ['index', 'add', name, shown.root]);
  }
  const { files } = await scan(home);
  return files;
}

/** A contender that cannot mount here is left out, and the reason is printed. */
async function thoseThatMount(all: Contender[], [first]: readonly Chapter[]): Promise<Contender[]> {
  const missing = missingPeers(['bindfs', 'rclone']);
  if (missing) console.log(`\n${missing}`);
  const present: Contender[] = [];
  for (const contender of all) {
    try {
      if (first) await (await contender.open(first.shown)).close();
      present.push(contender);
    } catch (error) {
      console.log(`\nLeft out: ${contender.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return present;
}

/** All mounts are there at once, and each work is done through one after the other, every round in another order. */
async function measureChapter(
  round: Round,
  chapter: Chapter,
  taking: readonly Contender[],
  nth: number,
): Promise<void> {
  const open: { name: string; view: View }[] = [];
  try {
    for (const { name, open: show } of inTurn(taking, nth))
      open.push({ name, view: await show(chapter.shown) });
    for (const work of chapter.works) {
      for (const { name, view } of open) {
        round.set(key(work.name, name), await work.run(view));
        if (chapter.watchMemory) round.set(memoryKey(work.name, name), memoryOf(view.pid, 'VmRSS'));
      }
    }
  } finally {
    for (const { view } of open) await view.close();
  }
}

/** Slow ones come last, because they go on working after they have answered. */
function inTurn(taking: readonly Contender[], nth: number): Contender[] {
  const quick = taking.filter(each => !each.isSlow);
  const at = nth % quick.length;
  return [...quick.slice(at), ...quick.slice(0, at), ...taking.filter(each => each.isSlow)];
}

function key(work: string, contender: string): string {
  return `${work}; ${contender}`;
}

function memoryKey(work: string, contender: string): string {
  return `${key(work, contender)}; memory`;
}

function namesOf(all: readonly Chapter[]): string[] {
  return all.flatMap(chapter => chapter.works.map(work => work.name));
}

function printWorks(rounds: Round[], all: Chapter[], present: Contender[], files: number): void {
  const slow = present.filter(each => each.isSlow).map(each => `${each.name} in the first round only`);
  const title = [`Mount: median (least) of ${rounds.length} rounds`, ...slow].join(', ');
  const rows = namesOf(all).map(work => [
    work,
    ...present.map(({ name }) =>
      formatSpread(figures(rounds, key(work, name)), medianOf(rounds, key(work, name))),
    ),
  ]);
  printTable(
    `${title}; ${formatCount(files)} files in the catalog`,
    ['work', ...present.map(each => each.name)],
    rows,
  );
}

function printRatios(rounds: Round[], all: Chapter[], present: Contender[]): void {
  const names = present.map(each => each.name);
  const pairs = FACETS.filter(each => names.includes(each)).flatMap(above =>
    [NATIVE, BINDFS, RCLONE].filter(each => names.includes(each)).map(below => ({ above, below })),
  );
  printTable(
    'Mount: ratios (below 1 is faster than the other)',
    ['work', ...pairs.map(({ above, below }) => `${above} ÷ ${below}`)],
    namesOf(all).map(work => [
      work,
      ...pairs.map(({ above, below }) => formatRatio(ratioOf(rounds, key(work, above), key(work, below)))),
    ]),
  );
}

function printMemory(rounds: Round[], present: Contender[]): void {
  const mounts = present.filter(each => each.name !== NATIVE);
  printTable(
    'Mount: resident memory of the process',
    ['after', ...mounts.map(each => each.name)],
    [FIND_HALF, FIND_ALL, FIND_AGAIN].map(work => [
      work,
      ...mounts.map(({ name }) => formatMegabytes(medianOf(rounds, memoryKey(work, name)))),
    ]),
  );
}

function mountBounds(rounds: Round[], bigMiB: number): Bound[] {
  const against = (other: string, work: string, bound: number, who: readonly string[] = FACETS): Bound[] =>
    who.map(name => ({
      says: `${work}: ${name} ÷ ${other}`,
      measured: ratioOf(rounds, key(work, name), key(work, other)),
      bound,
      format: formatRatio,
    }));
  return [
    ...against(BINDFS, FIND_SMALL, 0.35),
    ...against(BINDFS, CAT_SMALL, 0.6),
    ...against(NATIVE, readBig(bigMiB), 1.2, [FACET_ROOT]),
    ...against(BINDFS, readBig(bigMiB), 0.5, [FACET_USER]),
    ...against(BINDFS, readTwo(bigMiB), 1),
    ...FACETS.flatMap(name => memoryBounds(rounds, name)),
  ];
}

function memoryBounds(rounds: Round[], name: string): Bound[] {
  const after = (work: string) => memoryKey(work, name);
  return [
    {
      says: `memory after ${FIND_AGAIN}: ${name}`,
      measured: medianOf(rounds, after(FIND_AGAIN)),
      bound: 200e6,
      format: formatMegabytes,
    },
    {
      says: `memory after twice the files ("not growing"): ${name}`,
      measured: ratioOf(rounds, after(FIND_ALL), after(FIND_HALF)),
      bound: 1.1,
      format: formatRatio,
    },
  ];
}

if (isProgram(import.meta.url)) await runBench('facet: mount', benchMount);
