/** What a fetch has to do: the files that paths, globs and queries mean, and where each of them goes. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FacetError } from '../src/errors.js';
import type { Query } from '../src/query/ast.js';
import { type Found, find, normalisePath } from '../src/tree/walk.js';
import type { Destination } from '../src/volume/fetch.js';
import { matching } from '../src/volume/matching.js';
import type { Volume } from '../src/volume/volume.js';

/** A path, a glob, or a query. */
export type Wanted = string | Query;

/** A file to fetch, or why what was asked for is none. */
export type Task =
  | { path: string; id: number; size: number; to: Destination }
  | { path: string; error: unknown };

/** Files that are counted beforehand. Of more, which takes longer, nobody is told how much there is. */
const MOST_COUNTED = 50_000;

export function* tasks(
  volume: Volume,
  wanted: readonly Wanted[],
  output: string | undefined,
): Generator<Task> {
  const asFile = output !== undefined && wanted.length === 1 && !isFolder(output);
  // Only what several paths mean can have one name below the folder; of one, nothing has to be remembered.
  const taken = wanted.length > 1 ? new Map<string, number>() : undefined;
  for (const each of wanted) {
    try {
      for (const { path: treePath, relative, node } of foundBy(volume, each)) {
        // Only what is a file itself, not what is below a directory or matches a glob, is given another name.
        const named = asFile && typeof each === 'string' && treePath === normalisePath(each);
        const to = named
          ? { folder: dirname(output), relative: basename(output) }
          : { folder: output ?? '.', relative };
        const holder = taken?.get(to.relative) ?? node.ino;
        taken?.set(to.relative, holder);
        if (holder === node.ino) yield { path: treePath, id: node.ino, size: node.size, to };
        else yield { path: treePath, error: nameTaken(join(to.folder, to.relative)) };
      }
    } catch (error) {
      yield { path: typeof each === 'string' ? each : 'the query', error };
    }
  }
}

/** The bytes of them all; undefined when they are too many to count. */
export function totalOf(todo: Iterable<Task>): number | undefined {
  let [files, bytes] = [0, 0];
  for (const task of todo) {
    if (++files > MOST_COUNTED) return undefined;
    if ('size' in task) bytes += task.size;
  }
  return bytes;
}

/** What a path, a glob or a query means. Of a file that a query finds, its first place in the tree. */
export function* foundBy(volume: Volume, wanted: Wanted): Generator<Found> {
  if (typeof wanted === 'string') yield* find(volume.tree, wanted);
  else {
    for (const { id } of matching(volume, wanted)) {
      const [treePath] = volume.tree.pathsOf(id);
      const node = volume.tree.node(id);
      if (treePath !== undefined && node) yield { path: treePath, relative: treePath.slice(1), node };
    }
  }
}

function nameTaken(output: string): FacetError {
  return new FacetError('exists', `another file of this fetch is ${output} already`, {
    path: output,
    hint: 'fetch them one after the other, each to a folder of its own',
  });
}

function isFolder(output: string): boolean {
  if (output.endsWith('/')) return true;
  try {
    return statSync(output).isDirectory();
  } catch {
    // Why it is none shows when it is written, with what to do then.
    return false;
  }
}
