/** `facet fetch`: files of the tree, as ordinary files or on stdout. */
import { join } from 'node:path';
import { FileAccesses } from '../src/catalog/file-accesses.js';
import { FacetError } from '../src/errors.js';
import { parseQuery } from '../src/query/parse.js';
import type { OpenRemoteContents } from '../src/volume/contents.js';
import { type FetchOptions, fetchFile, readFile } from '../src/volume/fetch.js';
import type { ByteRange } from '../src/volume/range.js';
import type { Volume } from '../src/volume/volume.js';
import { withStates } from './cache-states.js';
import { argumentList, type CommandContext, command, flag, option } from './command.js';
import { againHint, codeOfSeveral, describeFailure, type Failure } from './failure.js';
import { foundBy, type Task, tasks, totalOf, type Wanted } from './fetch-tasks.js';
import { formatItems, formatSize } from './format.js';
import { count, file, path, range, rate, text } from './kinds.js';
import { inParallel } from './parallel.js';
import { meter, openProgress } from './progress.js';
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

/** What became of a task: a line of the listing. */
type Outcome =
  | { path: string; output: string; status: 'fetched' | 'unchanged'; bytes: number }
  | { path: string; status: 'failed'; error: Pick<Failure, 'code' | 'message' | 'hint'> };

interface Tally {
  /** Begun or next. */
  tasks: number;
  fetched: number;
  unchanged: number;
  failed: number;
  /** Why files failed. */
  codes: Set<Failure['code']>;
  bytes: number;
  /** The last one. */
  failure: unknown;
}

/** What there is, and the way to it. */
interface Contents {
  volume: Volume;
  /** Told of what was read. */
  accesses: FileAccesses;
  openRemote: OpenRemoteContents;
}

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
    const remote = remoteAccess(volume.sources, context, {
      limitRate: options.limitRate,
      cacheOnly: options.cacheOnly,
      needsCache: options.cacheOnly,
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
  const tally: Tally = {
    tasks: 0,
    fetched: 0,
    unchanged: 0,
    failed: 0,
    codes: new Set(),
    bytes: 0,
    failure: undefined,
  };
  const todo = () => tasks(from.volume, wanted, options.output);
  try {
    const total = progress.isShown && !options.range ? totalOf(todo()) : undefined;
    const settings = { ...options, signal: context.signal, onBytes: meter(progress, total) };
    const work = (task: Task) => attempt(from, task, settings, tally);
    const outcomes = inParallel(oneAhead(todo(), tally), options.parallel, work);
    await report(context, counted(outcomes, tally), tally);
  } finally {
    progress.stop();
  }
  finish(context, tally, options.cacheOnly);
}

/** Looks for the next task before it hands one out: so it is known early whether that is the only one. */
function* oneAhead(todo: Iterable<Task>, tally: Tally): Generator<Task> {
  let next: Task | undefined;
  for (const task of todo) {
    tally.tasks++;
    if (next) yield next;
    next = task;
  }
  if (next) yield next;
}

/** Throws nothing but what ends the command. */
async function attempt(from: Contents, task: Task, options: FetchOptions, tally: Tally): Promise<Outcome> {
  let left = 'size' in task && !options.range ? task.size : 0;
  const onBytes = (bytes: number) => {
    left -= bytes;
    options.onBytes(bytes);
  };
  try {
    return await fetchOne(from, task, { ...options, onBytes });
  } catch (error) {
    options.signal.throwIfAborted();
    tally.failure = error;
    const { code, message, hint } = describeFailure(error);
    return { path: task.path, status: 'failed', error: { code, message, hint } };
  } finally {
    // Of what was there already, or will not come.
    if (left > 0) options.onBytes(left);
  }
}

async function* counted(outcomes: AsyncIterable<Outcome>, tally: Tally): AsyncGenerator<Outcome> {
  for await (const outcome of outcomes) {
    tally[outcome.status]++;
    if (outcome.status === 'fetched') tally.bytes += outcome.bytes;
    if (outcome.status === 'failed') tally.codes.add(outcome.error.code);
    yield outcome;
  }
}

/** The failure of the only file is that of the command, which tells it. */
async function report(
  context: CommandContext,
  outcomes: AsyncIterable<Outcome>,
  tally: Readonly<Tally>,
): Promise<void> {
  if (context.json) return context.output.rows(outcomes, JSON.stringify);
  for await (const outcome of outcomes) {
    if (outcome.status !== 'failed' || tally.tasks === 1) continue;
    context.warn(`${printable(outcome.path)}: ${outcome.error.message}`, outcome.error.hint);
  }
}

function finish(context: CommandContext, tally: Tally, cacheOnly: boolean): void {
  const total = tally.fetched + tally.unchanged + tally.failed;
  if (tally.failed > 0 && total === 1) throw tally.failure;
  const there = tally.unchanged > 0 ? `, ${formatItems(tally.unchanged, 'file')} already there` : '';
  context.note(`fetched ${formatItems(tally.fetched, 'file')}, ${formatSize(tally.bytes)}${there}`);
  if (tally.failed === 0) return;
  throw someFailed(tally, total, cacheOnly);
}

function someFailed({ failed, codes }: Tally, total: number, cacheOnly: boolean): FacetError {
  const code = codeOfSeveral(codes, failed === total);
  if (code === 'unreachable' && cacheOnly) {
    return new FacetError(code, `none of these ${formatItems(total, 'file')} is in the cache`, {
      hint: 'leave out --cache-only, or bring them there first: facet cache warm',
    });
  }
  return new FacetError(code, `${failed} of ${formatItems(total, 'file')} could not be fetched`, {
    hint: againHint(codes, 'fetched'),
  });
}

async function fetchOne(
  { volume, accesses, openRemote }: Contents,
  task: Task,
  options: FetchOptions,
): Promise<Outcome> {
  if ('error' in task) throw task.error;
  const { path: treePath, to } = task;
  const fetched = await fetchFile(volume, volume.file(task.id), to, options, openRemote);
  if (fetched.status === 'fetched') accesses.note(task.id);
  return { path: treePath, output: join(to.folder, to.relative), ...fetched };
}
