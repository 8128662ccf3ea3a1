/** The thread that writes a part of a tree: synchronous calls are the fastest way to many small files. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { filePath, fileSize, folderCount, folderPath, type Tree, type TreeJob } from './trees.js';

const job: TreeJob = workerData;
const contents = Buffer.alloc(1 << 20, 'facet ');

function writeFolder({ tree }: TreeJob, folder: number): void {
  mkdirSync(join(tree.root, folderPath(tree, folder)), { recursive: true });
  const first = folder * tree.filesPerFolder;
  const end = Math.min(first + tree.filesPerFolder, tree.files);
  for (let nth = first; nth < end; nth++) writeFile(join(tree.root, filePath(tree, nth)), tree, nth);
}

function writeFile(path: string, tree: Tree, nth: number): void {
  const file = openSync(path, 'wx');
  if (tree.bytes === undefined) ftruncateSync(file, fileSize(tree, nth));
  else
    for (let left = tree.bytes; left > 0; )
      left -= writeSync(file, contents, 0, Math.min(left, contents.length));
  closeSync(file);
}

for (let folder = job.first; folder < folderCount(job.tree); folder += job.step) writeFolder(job, folder);
