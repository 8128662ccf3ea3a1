/**
 * The trees of files that the benchmarks work on, the same at every run. A tree is described by numbers alone, so the
 * path of any of its files can be named without listing it.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { stopSignal } from './stop.js';

export interface Tree {
  root: string;
  /** How folders and files are called. */
  names: 'library' | 'plain';
  files: number;
  filesPerFolder: number;
  /** Bytes of each file that are written; undefined: files of realistic sizes without contents (sparse). */
  bytes: number | undefined;
}

/** Somebody's music, pictures, series and documents: 25 files a folder, in three levels. */
export function libraryTree(root: string, files: number): Tree {
  return { root, names: 'library', files, filesPerFolder: 25, bytes: undefined };
}

/** Folders of equal files. */
export function plainTree(root: string, files: number, filesPerFolder: number, bytes?: number): Tree {
  return { root, names: 'plain', files, filesPerFolder, bytes };
}

export function folderCount(tree: Tree): number {
  return Math.ceil(tree.files / tree.filesPerFolder);
}

/** The path below the root of the nth folder that holds files. */
export function folderPath(tree: Tree, nth: number): string {
  return tree.names === 'plain' ? `folder ${pad(nth, 4)}` : libraryFolder(nth);
}

/** The path below the root of the nth file. */
export function filePath(tree: Tree, nth: number): string {
  const folder = Math.floor(nth / tree.filesPerFolder);
  const inFolder = nth % tree.filesPerFolder;
  const name = tree.names === 'plain' ? `file-${pad(inFolder, 6)}.dat` : libraryFile(folder, inFolder);
  return `${folderPath(tree, folder)}/${name}`;
}

/** The size of the nth file. */
export function fileSize(tree: Tree, nth: number): number {
  return tree.bytes ?? ((nth * 7919) % 9973) * 1000 + 1;
}

function libraryFolder(nth: number): string {
  const above = Math.floor(nth / 40);
  switch (nth % 4) {
    case 0:
      return `Music/Artist ${pad(above, 4)}/Album ${pad(nth % 40, 2)}`;
    case 1:
      return `Pictures/${1990 + (above % 35)}/Trip ${above} to place ${nth % 40}`;
    case 2:
      return `Series/Show ${pad(above, 4)}/Season ${pad(nth % 40, 2)}`;
    default:
      return `Documents/Customer ${pad(above, 4)}/Project ${nth}`;
  }
}

function libraryFile(folder: number, nth: number): string {
  switch (folder % 4) {
    case 0:
      return `${pad(nth + 1, 2)} - Title number ${nth + 1}.flac`;
    case 1:
      return `IMG_${pad((folder * 25 + nth) % 10_000, 4)}_${pad(nth, 2)}.jpg`;
    case 2:
      return `Show S${pad(folder % 40, 2)}E${pad(nth + 1, 2)} An episode.mkv`;
    default:
      return `minutes of meeting ${nth + 1}.pdf`;
  }
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

/** What one of the threads that write a tree is to do: every `step`th folder, from `first` on. */
export interface TreeJob {
  tree: Tree;
  first: number;
  step: number;
}

/** Writes the tree's files. Throws when that fails or the benchmark is stopped. */
export async function generateTree(tree: Tree): Promise<void> {
  const threads = availableParallelism();
  const jobs = Array.from({ length: threads }, (_, first): TreeJob => ({ tree, first, step: threads }));
  await Promise.all(jobs.map(writeInThread));
}

async function writeInThread(job: TreeJob): Promise<void> {
  const worker = new Worker(new URL('./tree-writer.js', import.meta.url), { workerData: job });
  try {
    await once(worker, 'exit', { signal: stopSignal });
  } finally {
    await worker.terminate();
  }
}

/** Absolute paths of the nth, nth + step, … file. */
export function everyPath(tree: Tree, first: number, step: number): string[] {
  const paths: string[] = [];
  for (let nth = first; nth < tree.files; nth += step) paths.push(join(tree.root, filePath(tree, nth)));
  return paths;
}
