/** Walks the tree: everything below a directory, or what a glob means. Reads page by page, so memory stays flat. */
import { EntryType } from '../catalog/projector.js';
import { FacetError } from '../errors.js';
import { compileGlob, splitGlob } from '../query/glob.js';
import type { Node, Tree } from './tree.js';

export interface Found {
  /** From the root of the tree, with its leading slash. */
  path: string;
  /** Below the directory that was asked for, or below the fixed part of the glob. */
  relative: string;
  node: Node;
}

/** `/docs//a/` → `/docs/a`; the root is `/`. */
export function normalisePath(path: string): string {
  return `/${path
    .split('/')
    .filter(name => name !== '' && name !== '.')
    .join('/')}`;
}

/**
 * The files and links that `pattern` means: a path to a file, a path to a directory (all below it), or a glob. What exists
 * under the very name is meant before any glob. Throws `not-found` when there is nothing.
 */
export function* find(tree: Tree, pattern: string): Generator<Found> {
  const path = normalisePath(pattern);
  const node = tree.resolve(path);
  if (node) {
    yield* findAt(tree, path, node);
    return;
  }
  let any = false;
  for (const found of glob(tree, path)) {
    any = true;
    yield found;
  }
  if (any) return;
  throw new FacetError('not-found', `there is no ${pattern} in the tree`, {
    path: pattern,
    hint: 'list what there is: facet index ls /',
  });
}

function* findAt(tree: Tree, path: string, node: Node): Generator<Found> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (node.type !== EntryType.directory) yield { path, relative: name, node };
  else yield* walk(tree, node, path, name, Number.POSITIVE_INFINITY);
}

function* glob(tree: Tree, pattern: string): Generator<Found> {
  const { base, glob: rest, isGlob } = splitGlob(pattern);
  const from = normalisePath(tree.resolve(base) ? base : base.replace(/\\(.)/gs, '$1'));
  const start = tree.resolve(from);
  if (start && !isGlob) yield* findAt(tree, from, start);
  if (!isGlob || start?.type !== EntryType.directory) return;
  const matches = compileGlob(rest);
  const depth = rest.includes('**') ? Number.POSITIVE_INFINITY : rest.split('/').length;
  for (const found of walk(tree, start, from, '', depth)) {
    if (matches(found.relative)) yield found;
  }
}

/** Files and links below a directory, at most `depth` levels down, in the order of their paths' names. */
function* walk(tree: Tree, directory: Node, path: string, relative: string, depth: number): Generator<Found> {
  for (const { name, ...node } of tree.entries(directory.ino)) {
    const below = path === '/' ? `/${name}` : `${path}/${name}`;
    const relativeBelow = relative === '' ? name : `${relative}/${name}`;
    if (node.type !== EntryType.directory) yield { path: below, relative: relativeBelow, node };
    else if (depth > 1) yield* walk(tree, node, below, relativeBelow, depth - 1);
  }
}
