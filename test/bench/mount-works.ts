/**
 * What is done with a mounted folder and timed. Each chapter starts with a fresh mount, so that its first work finds
 * nothing in the kernel's caches but the contents of the original files.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bench, largeTree, treeOf } from './bench.js';
import type { Shown, View } from './contenders.js';
import { run } from './processes.js';
import { formatCount } from './table.js';
import { filePath, folderPath, plainTree, type Tree } from './trees.js';

export interface Work {
  name: string;
  /** Returns seconds. */
  run(view: View): Promise<number>;
}

export interface Chapter {
  shown: Shown;
  works: Work[];
  /** Look at the memory of the mount's process after each work. */
  watchMemory?: boolean;
}

const SMALL = { files: 20_000, perFolder: 100, bytes: 2048 };
const WIDE_FILES = 100_000;
const DEFAULT_MANY_FILES = 200_000;
const RANDOM = { reads: 20_000, bytes: 4096 };

/** Names of the works that a bound is about. */
export const FIND_SMALL = `find -printf %s, ${formatCount(SMALL.files)} files, first time`;
export const CAT_SMALL = `cat of these ${formatCount(SMALL.files)} × 2 KiB, first time`;
export const FIND_HALF = 'find over half of all files';
export const FIND_ALL = 'find over all files';
export const FIND_AGAIN = 'find over all files, again';

export function readBig(bigMiB: number): string {
  return `read ${bigMiB} MiB with dd, first time`;
}

export function readTwo(bigMiB: number): string {
  return `two readers at once, ${bigMiB} MiB each`;
}

/** All chapters, with their trees on disk. */
export async function chapters(bench: Bench): Promise<Chapter[]> {
  return [
    await smallFiles(bench),
    ...(await bigFiles(bench)),
    ...(await wideFolder(bench)),
    await manyFiles(bench),
  ];
}

async function smallFiles(bench: Bench): Promise<Chapter> {
  const { files, perFolder, bytes } = SMALL;
  const tree = await treeOf(bench, 'small', root => plainTree(root, files, perFolder, bytes));
  const list = writeList(bench, tree);
  return {
    shown: { name: 'small', root: tree.root },
    works: [
      { name: FIND_SMALL, run: view => find(view) },
      { name: 'the same again', run: view => find(view) },
      { name: CAT_SMALL, run: view => catAll(view, list) },
      { name: 'cat of them again', run: view => catAll(view, list) },
    ],
  };
}

/** The paths of all files below the root, each with a NUL behind it. */
function writeList(bench: Bench, tree: Tree): string {
  const list = join(bench.folder, 'small.list');
  const paths = Array.from({ length: tree.files }, (_, nth) => `${filePath(tree, nth)}\0`);
  writeFileSync(list, paths.join(''));
  return list;
}

async function bigFiles(bench: Bench): Promise<Chapter[]> {
  const { bigMiB } = bench.options;
  const tree = await treeOf(bench, 'big', root => plainTree(root, 2, 2, bigMiB * 2 ** 20));
  const shown = { name: 'big', root: tree.root };
  const [one, other] = [filePath(tree, 0), filePath(tree, 1)];
  const kib = RANDOM.bytes / 1024;
  return [
    {
      shown,
      works: [
        { name: readBig(bigMiB), run: view => read(view, one) },
        { name: 'read it again', run: view => read(view, one) },
        {
          name: `${formatCount(RANDOM.reads)} random reads of ${kib} KiB, another file`,
          run: view => readAtRandom(view, other),
        },
      ],
    },
    { shown, works: [{ name: readTwo(bigMiB), run: view => readBoth(view, one, other) }] },
  ];
}

async function wideFolder(bench: Bench): Promise<Chapter[]> {
  const tree = await treeOf(bench, 'wide', root => plainTree(root, WIDE_FILES, WIDE_FILES));
  const shown = { name: 'wide', root: join(tree.root, folderPath(tree, 0)) };
  const list = (flag: string) => (view: View) => listFolder(view, flag);
  const folder = `a folder of ${formatCount(WIDE_FILES)} files`;
  return [
    { shown, works: [{ name: `ls -f, ${folder}, first time`, run: list('-f') }] },
    {
      shown,
      works: [
        { name: `ls -l, ${folder}, first time`, run: list('-l') },
        { name: 'ls -l of it again', run: list('-l') },
      ],
    },
  ];
}

async function manyFiles(bench: Bench): Promise<Chapter> {
  const { root } = await largeTree(bench, DEFAULT_MANY_FILES);
  const top = readdirSync(root).sort();
  const half = top.slice(0, Math.ceil(top.length / 2));
  return {
    shown: { name: 'many', root },
    watchMemory: true,
    works: [
      { name: FIND_HALF, run: view => find(view, half) },
      { name: FIND_ALL, run: view => find(view) },
      { name: FIND_AGAIN, run: view => find(view) },
    ],
  };
}

async function find({ root, as }: View, below: readonly string[] = ['']): Promise<number> {
  const folders = below.map(name => join(root, name));
  return (await run('find', [...folders, '-printf', '%s\\n'], { as })).seconds;
}

/** env -C and not the option `cwd`, with which root would enter the folder before it becomes somebody else. */
async function catAll({ root, as }: View, list: string): Promise<number> {
  return (await run('env', ['-C', root, 'xargs', '-0', 'cat'], { as, input: list })).seconds;
}

async function read({ root, as }: View, file: string): Promise<number> {
  return (await run('dd', [`if=${join(root, file)}`, 'of=/dev/null', 'bs=1M', 'status=none'], { as }))
    .seconds;
}

async function readBoth(view: View, one: string, other: string): Promise<number> {
  return Math.max(...(await Promise.all([read(view, one), read(view, other)])));
}

async function listFolder({ root, as }: View, flag: string): Promise<number> {
  return (await run('ls', [flag, root], { as })).seconds;
}

const RANDOM_READER = fileURLToPath(new URL('./random-reader.js', import.meta.url));

/** What the program says, without the time that it takes to start. */
async function readAtRandom({ root, as }: View, file: string): Promise<number> {
  const args = [RANDOM_READER, join(root, file), String(RANDOM.reads), String(RANDOM.bytes)];
  return Number((await run(process.execPath, args, { as, capture: true })).stdout);
}
