/** `facet fetch`: files of the tree, as ordinary files or on stdout. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FileAccesses } from '../src/catalog/file-accesses.js';
import { FacetError } from '../src/errors.js';
import type { Query } from '../src/query/ast.js';
import { parseQuery } from '../src/query/parse.js';
import { type Found, find, normalisePath } from '../src/tree/walk.js';
import type { OpenRemoteContents } from '../src/volume/contents.js';
import { type Destination, fetchFile, readFile } from '../src/volume/fetch.js';
import { matching } from '../src/volume/matching.js';
import type { ByteRange } from '../src/volume/range.js';
import type { Volume } from '../src/volume/volume.js';
import { withStates } from './cache-states.js';
import { argumentList, type CommandContext, command, flag, option } from './command.js';
import { describeFailure } from './failure.js';
import { formatItems, formatSize } from './format.js';
import { count, file, path, range, rate, text } from './kinds.js';
import { inParallel } from './parallel.js';
import { openProgress } from './progress.js';
import { remoteAccess } from './remote.js';
import { printable } from './terminal.js';
import { openVolume } from './volume.js';

interface DiskOptions {
  output: string | undefined;
  range: ByteRange | undefined;
  parallel: number;
  cacheOnly: boolean;
  force: boolean;
}

/** A file to fetch, or why what was asked for is none. */
type Task = { path: string; id: number; to: Destination } | { path: string; error: unknown };

/** What became of a task: a line of the listing. */
type Outcome =
  | { path: string; output: string; status: 'fetched' | 'unchanged'; bytes: number }
  | { path: string; status: 'failed'; error: { code: string; message: string; hint: string | undefined } };

/** What there is, and the way to it. */
interface Contents {
  volume: Volume;
  /** Told of what was read. */
  accesses: FileAccesses;
  openRemote: OpenRemoteContents;
}

/** A path, a glob, or a query. */
type Wanted = string | Query;

export default command({
  description:
    'Copies files of the tree to this disk: a file, everything below a directory, what a glob matches, or what a query asks for. A file that is there already in the same version is left alone; one that differs is replaced only with --force. A fetch that was interrupted goes on where it stopped when it is started again.',
  arguments: {
    paths: argumentList(path, 'PATH', 'a path in the tree, or a glob such as /docs/**/*.pdf'),
  },
  options: {
    output: option(
      file,
      'PATH',
      'the file to write, or the folder to write into (the current one when left out)',
      {
        short: 'o',
      },
    ),
    query: option(
      text,
      'QUERY',
      'the files that a query asks for, in the folders that they have in the tree',
    ),
    stdout: flag('write the contents to stdout'),
    range: option(range, 'A-B', 'only the bytes from A to B, both included; A- to the end, -N the last N'),
    parallel: option(count(1, 64), 'N', 'files at once', { default: '4' }),
    limitRate: option(rate, 'SIZE', 'at most so many bytes a second from remote sources, such as 5MB'),
    cacheOnly: flag('only what is cached or on this machine, with no use of the network'),
    force: flag('replace files that are there and differ', { short: 'f' }),
  },
  examples: [
    { command: 'facet fetch /docs/a.pdf -o /tmp', says: 'one file, as /tmp/a.pdf' },
    {
      command: "facet fetch '/docs/**/*.pdf' -o out/",
      says: 'all of them, in the folders that they have below /docs',
    },
    { command: "facet fetch --query 'label:urgent' -o out/", says: 'whatever is labelled so' },
    { command: 'facet fetch --query cached -o out/ --cache-only', says: 'whatever is there, on a train' },
    { command: 'facet fetch /docs/log.txt --stdout --range -1000 | less', says: 'the end of a file' },
  ],
  async run(context, { paths }, options) {
    if (options.stdout && options.output !== undefined) {
      throw new FacetError('usage', '--stdout and --output cannot go together');
    }
    if (paths.length === 0 && options.query === undefined) {
      throw new FacetError('usage', 'which files? give a PATH, a glob or --query');
    }
    const query = options.query === undefined ? undefined : parseQuery(options.query);
    const volume = await openVolume(context.home);
    const accesses = new FileAccesses(context.home.catalogFile);
    const remote = remoteAccess(volume.sources, context.home, {
      limitRate: options.limitRate,
      cacheOnly: options.cacheOnly,
    });
    try {
      const wanted = [...paths, ...(query ? [await withStates(query, volume, context.home)] : [])];
      const from = { volume, accesses, openRemote: remote.open };
      if (options.stdout) await toStdout(context, from, wanted, options.range);
      else await toDisk(context, from, wanted, options);
    } finally {
      await remote.close();
      volume.close();
      accesses.close();
    }
  },
});

async function toStdout(
  { output, signal }: CommandContext,
  { volume, accesses, openRemote }: Contents,
  wanted: readonly Wanted[],
  range: ByteRange | undefined,
): Promise<void> {
  for (const each of wanted) {
    for (const { node } of foundBy(volume, each)) {
      for await (const piece of readFile(volume, volume.file(node.ino), range, signal, openRemote))
        await output.bytes(piece);
      accesses.note(node.ino);
    }
  }
}

async function toDisk(
  context: CommandContext,
  from: Contents,
  wanted: readonly Wanted[],
  options: DiskOptions,
): Promise<void> {
  const progress = await openProgress(context, { title: 'fetching', unit: 'bytes' });
  const tally = { fetched: 0, unchanged: 0, failed: 0, unreachable: 0, bytes: 0 };
  let failure: unknown;
  let arrived = 0;
  const onBytes = (bytes: number) => {
    arrived += bytes;
    progress.update(arrived);
  };
  const work = async (task: Task): Promise<Outcome> => {
    try {
      return await fetchOne(from, task, { ...options, signal: context.signal, onBytes });
    } catch (error) {
      context.signal.throwIfAborted();
      failure = error;
      return { path: task.path, status: 'failed', error: described(error) };
    }
  };
  async function* outcomes(): AsyncGenerator<Outcome> {
    for await (const outcome of inParallel(
      tasks(from.volume, wanted, options.output),
      options.parallel,
      work,
    )) {
      tally[outcome.status]++;
      if (outcome.status === 'fetched') tally.bytes += outcome.bytes;
      if (outcome.status === 'failed' && outcome.error.code === 'unreachable') tally.unreachable++;
      yield outcome;
    }
  }
  try {
    await report(context, outcomes());
  } finally {
    progress.stop();
  }
  const total = tally.fetched + tally.unchanged + tally.failed;
  const there = tally.unchanged > 0 ? `, ${formatItems(tally.unchanged, 'file')} already there` : '';
  context.note(`fetched ${formatItems(tally.fetched, 'file')}, ${formatSize(tally.bytes)}${there}`);
  if (tally.failed === 0) return;
  if (total === 1) throw failure;
  if (options.cacheOnly && tally.unreachable === total) {
    throw new FacetError('unreachable', `none of these ${formatItems(total, 'file')} is in the cache`, {
      hint: 'leave out --cache-only, or bring them there first: facet cache warm',
    });
  }
  throw new FacetError('partial', `${tally.failed} of ${formatItems(total, 'file')} could not be fetched`, {
    hint: 'run the same command again: what was fetched is not fetched twice',
  });
}

async function report(context: CommandContext, outcomes: AsyncIterable<Outcome>): Promise<void> {
  if (context.json) return context.output.rows(outcomes, JSON.stringify);
  for await (const outcome of outcomes) {
    if (outcome.status !== 'failed') continue;
    context.warn(`${printable(outcome.path)}: ${outcome.error.message}`, outcome.error.hint);
  }
}

async function fetchOne(
  { volume, accesses, openRemote }: Contents,
  task: Task,
  options: Parameters<typeof fetchFile>[3],
): Promise<Outcome> {
  if ('error' in task) throw task.error;
  const { path: treePath, to } = task;
  const fetched = await fetchFile(volume, volume.file(task.id), to, options, openRemote);
  if (fetched.status === 'fetched') accesses.note(task.id);
  return { path: treePath, output: join(to.folder, to.relative), ...fetched };
}

function described(error: unknown): { code: string; message: string; hint: string | undefined } {
  const { code, message, hint } = describeFailure(error);
  return { code, message, hint };
}

function* tasks(volume: Volume, wanted: readonly Wanted[], output: string | undefined): Generator<Task> {
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
        if (holder === node.ino) yield { path: treePath, id: node.ino, to };
        else yield { path: treePath, error: nameTaken(join(to.folder, to.relative)) };
      }
    } catch (error) {
      yield { path: typeof each === 'string' ? each : 'the query', error };
    }
  }
}

/** What a path, a glob or a query means. Of a file that a query finds, its first place in the tree. */
function* foundBy(volume: Volume, wanted: Wanted): Generator<Found> {
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
  return output.endsWith('/') || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true;
}
