/**
 * `npm run bench:rules`: a large catalog arranged by twenty directories of rules; small changes of the rules and of one
 * file; queries. The files are in the catalog only: nothing here reads them.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, isProgram, makeFolder, note, runBench } from './bench.js';
import { fillCatalog } from './described-files.js';
import { facet, facetArguments } from './facet.js';
import { stopProcess } from './processes.js';
import { startMount } from './ready.js';
import { figures, medianOf, type Round, runRounds } from './rounds.js';
import {
  type Bound,
  formatCount,
  formatMegabytes,
  formatSeconds,
  formatSpread,
  printBounds,
  printTable,
} from './table.js';

const DEFAULT_FILES = 1_000_000;
const DEFAULT_ROUNDS = 3;

const OPEN = 'list the root';
const APPLY = 'apply 20 directories to a new catalog';
const SMALL = 'apply another rule for one small directory';
const SAME = 'apply again, nothing changed';
const PLAN = 'plan the change of one small directory';
const EXPLAIN = 'explain one file';
const VISIBLE = "one file's property, until the mount shows it";
const INDEXED = 'search label:rare';
const SUBSTRING = 'search a part of a name';
const PROPERTY = 'search a property';
const WORKS = [OPEN, APPLY, SAME, SMALL, PLAN, EXPLAIN, VISIBLE, INDEXED, SUBSTRING, PROPERTY];

/** Every file is somewhere, and most are in several places. */
function rules(small: string): string {
  const byGenre = ['drama', 'comedy', 'horror', 'western', 'crime', 'war', 'music', 'family'].map(
    genre => `  - {path: /Genres/${genre}, from: media, where: genre=${genre}, place: "{title}/{fileName}"}`,
  );
  return `version: 1
labels: [{from: docs:f1/, labels: [first]}]
directories:
  - path: /
    pick: first
    mounts:
      - {name: series, from: media, where: season is present, place: "TV/{title}/Season {season:pad2}/{fileName}"}
      - {name: movies, from: media, place: "Movies/{title}{year?( ({year}))}.{ext}"}
      - {name: rest, place: "{type}/{source}/{path}"}
  - {path: /Small, from: docs, where: "${small}", place: flat}
  - {path: /Large, where: size>9MB, place: keep}
  - {path: /Old, from: photos, where: mtime<2016, place: "{mtime:YYYY}/{mtime:MM}/{fileName}"}
  - {path: /Labels, where: "label:rare or label:first", place: "{label*}/{fileName}"}
  - {path: /Nineties, from: media, where: year>=1990 and year<2000}
  - {path: /Pdf, from: docs, where: name:*.pdf, collide: newest, place: flat}
  - {path: /Raw, from: photos, where: ext=raw}
  - {path: /Reports, from: docs, where: report and not draft}
  - {path: /First, from: docs:f1/}
  - {path: /Twenty, from: media, where: 'title~"20$"', place: "{title}/{fileName}"}
${byGenre.join('\n')}
  - {path: /Empty}
`;
}

export async function benchRules(bench: Bench): Promise<void> {
  const files = bench.options.files ?? DEFAULT_FILES;
  const rounds = await runRounds(bench.options.rounds ?? DEFAULT_ROUNDS, (round, nth) =>
    measureRound(bench, files, round, nth),
  );
  const rows = WORKS.map(work => [work, formatSpread(figures(rounds, work), medianOf(rounds, work))]);
  printTable(
    `Rules, ${formatCount(files)} files: median (least) of ${rounds.length}`,
    ['work', 'time'],
    rows,
  );
  console.log(`\nMemory of apply: ${formatMegabytes(medianOf(rounds, 'memory'))}`);
  printBounds(bounds(rounds));
}

async function measureRound(bench: Bench, files: number, round: Round, nth: number): Promise<void> {
  const home = makeFolder(bench, `rules-${nth}`);
  note(`round ${nth + 1}: filling a catalog …`);
  fillCatalog(join(home, 'catalog.db'), files);
  const time = async (work: string, ...args: string[]) => {
    const { seconds, peakRss } = await facet(home, args, { watchMemory: true, mayFail: args[1] === 'plan' });
    round.set(work, seconds);
    return peakRss;
  };
  const write = (small: string) => writeFileSync(join(home, 'rules.yaml'), rules(small));
  write('name:n1234*');
  round.set('memory', await time(APPLY, 'rules', 'apply'));
  await time(SAME, 'rules', 'apply');
  await time(OPEN, 'index', 'ls', '/');
  write('name:n4321*');
  await time(PLAN, 'rules', 'plan');
  await time(SMALL, 'rules', 'apply');
  await time(EXPLAIN, 'rules', 'explain', 'media:f0/n3.mp4');
  await time(INDEXED, 'index', 'search', 'label:rare', '--json');
  await time(SUBSTRING, 'index', 'search', 'n77777', '--json');
  await time(PROPERTY, 'index', 'search', 'title="Title 77"', '--json');
  await measureVisible(bench, home, round);
}

/** Another process changes a property; the mount, which had listed the directory, shows the file elsewhere. */
async function measureVisible(bench: Bench, home: string, round: Round): Promise<void> {
  const mountpoint = makeFolder(bench, join('mounts', 'rules'));
  const { child } = await startMount({
    program: process.execPath,
    args: facetArguments(home, 'mount', mountpoint),
    mountpoint,
  });
  try {
    const shown = () => existsSync(join(mountpoint, 'Movies', 'A new title.mp4'));
    shown();
    await facet(home, [
      'index',
      'set',
      'media:f0/n3.mp4',
      'title=A new title',
      '--unset',
      'season',
      '--unset',
      'year',
    ]);
    const changedAt = performance.now();
    while (!shown() && performance.now() - changedAt < 30_000) await sleep(5);
    round.set(VISIBLE, (performance.now() - changedAt) / 1000);
  } finally {
    await stopProcess(child);
  }
}

function bounds(rounds: Round[]): Bound[] {
  const start = medianOf(rounds, OPEN) ?? 0;
  const beyondStart = (work: string) => {
    const median = medianOf(rounds, work);
    return median === undefined ? undefined : Math.max(median - start, 0);
  };
  return [
    { says: APPLY, measured: medianOf(rounds, APPLY), bound: 15, format: formatSeconds },
    { says: 'memory of apply', measured: medianOf(rounds, 'memory'), bound: 300e6, format: formatMegabytes },
    { says: SMALL, measured: medianOf(rounds, SMALL), bound: 1.5, format: formatSeconds },
    { says: VISIBLE, measured: medianOf(rounds, VISIBLE), bound: 1, format: formatSeconds },
    {
      says: `${EXPLAIN}, more than listing the root`,
      measured: beyondStart(EXPLAIN),
      bound: 0.1,
      format: formatSeconds,
    },
    {
      says: `${INDEXED}, more than listing the root`,
      measured: beyondStart(INDEXED),
      bound: 0.05,
      format: formatSeconds,
    },
    {
      says: `${SUBSTRING}, more than listing the root`,
      measured: beyondStart(SUBSTRING),
      bound: 0.25,
      format: formatSeconds,
    },
  ];
}

if (isProgram(import.meta.url)) await runBench('facet: rules', benchRules);
