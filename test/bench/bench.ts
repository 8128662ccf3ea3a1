/**
 * The life of a benchmark: a folder of its own, in which trees, catalogs and mounts are made; at the end, and when it is
 * stopped or fails, everything in it is unmounted and removed.
 */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeMachine } from './machine.js';
import { unmountBelow } from './mountpoints.js';
import { type BenchOptions, readOptions } from './options.js';
import { installPeers } from './peers.js';
import { run } from './processes.js';
import { listenForStop, stopSignal } from './stop.js';
import { generateTree, libraryTree, type Tree } from './trees.js';

export interface Bench {
  readonly options: BenchOptions;
  /** Everything the benchmark makes is below this folder. */
  readonly folder: string;
  /** Trees that were generated, by name. */
  readonly trees: Map<string, Tree>;
}

/** Is this module the program that was started? */
export function isProgram(moduleUrl: string): boolean {
  const program = process.argv[1];
  return program !== undefined && pathToFileURL(realpathSync(program)).href === moduleUrl;
}

/** Runs a benchmark from its command line. The exit status says whether it could be run, never what it measured. */
export async function runBench(title: string, body: (bench: Bench) => Promise<void>): Promise<void> {
  try {
    const options = readOptions(title, process.argv.slice(2));
    if (options) await runWith(options, title, body);
  } catch (error) {
    console.error(`bench: ${stopSignal.aborted ? stopSignal.reason.message : describe(error)}`);
    process.exitCode = stopSignal.aborted ? 130 : 1;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function runWith(
  options: BenchOptions,
  title: string,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  listenForStop();
  // Node reads it at every start, 30 ms that say nothing of a program; all servers of benchmarks are on this machine.
  delete process.env.NODE_EXTRA_CA_CERTS;
  if (options.installPeers) await installPeers();
  const bench = openBench(options);
  try {
    console.log(`# ${title}\n\n${describeMachine(bench.folder)}`);
    await body(bench);
  } finally {
    await closeBench(bench);
  }
}

function openBench(options: BenchOptions): Bench {
  mkdirSync(options.dir, { recursive: true });
  const folder = realpathSync(mkdtempSync(join(options.dir, 'facet-bench-')));
  // Another user reads the trees too.
  chmodSync(folder, 0o755);
  return { options, folder, trees: new Map() };
}

async function closeBench({ options, folder }: Bench): Promise<void> {
  unmountBelow(folder);
  if (options.keep) console.error(`left behind: ${folder}`);
  else await remove(folder);
}

/** Whatever is mounted below `folder`, nothing in it is touched. */
export async function remove(folder: string): Promise<void> {
  await run('rm', ['-rf', '--one-file-system', '--', folder], { evenWhenStopped: true });
}

/** The tree of this name, generated when it is asked for the first time. */
export async function treeOf(bench: Bench, name: string, make: (root: string) => Tree): Promise<Tree> {
  const known = bench.trees.get(name);
  if (known) return known;
  const tree = make(join(bench.folder, 'trees', name));
  note(`generating ${tree.files.toLocaleString('en')} files (${name}) …`);
  await generateTree(tree);
  // What the disk has written by then does not disturb a measurement.
  await run('sync', ['-f', tree.root]);
  bench.trees.set(name, tree);
  return tree;
}

export interface LargeTree {
  root: string;
  /** Undefined when it is somebody's own folder, which may only be read. */
  generated: Tree | undefined;
}

/** The tree with as many files as the user asked for, or the folder that the user named. */
export async function largeTree(bench: Bench, defaultFiles: number): Promise<LargeTree> {
  const { tree: root, files = defaultFiles } = bench.options;
  if (root !== undefined) return { root: realpathSync(root), generated: undefined };
  const generated = await treeOf(bench, `library-${files}`, below => libraryTree(below, files));
  return { root: generated.root, generated };
}

/** A folder below the benchmark's own. */
export function makeFolder(bench: Bench, name: string): string {
  const folder = join(bench.folder, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Says what goes on, to somebody who watches. */
export function note(text: string): void {
  if (process.stderr.isTTY) console.error(text);
}
