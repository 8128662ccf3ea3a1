/**
 * Lists a bucket, many requests at a time, and tells each folder as soon as it is complete. Keys come in the order of their
 * UTF-8 bytes, so that a folder is complete when the listing leaves its prefix: what is in memory is the folders on the way
 * to where the listing is, never the bucket.
 *
 * What is below a prefix is first listed flat: when one answer holds it, that was all. Otherwise the folder at the top is
 * listed by itself, and those in it one by one in the same way; where they are very many, in groups of neighbours that are
 * listed flat, as a bucket of a million folders with a file each must not take a million requests.
 */
import { FacetError } from '../../errors.js';
import { folderPath } from '../key-paths.js';
import { type Listed, OpenFolder } from '../open-folder.js';
import type { RemoteFolder } from '../remote.js';
import type { Unreadable } from '../source.js';
import { inParallel, type Work } from '../web/parallel.js';
import { Setbacks } from '../web/setbacks.js';

export interface Page {
  objects: { key: string; file: Listed }[];
  /** With a delimiter: each folder of the prefix, `prefix/name/`. */
  prefixes: string[];
  /** What continues the listing; undefined at its end. */
  next: string | undefined;
}

export interface PageQuery {
  prefix: string;
  /** Folders of the prefix are told by their names, not by what is in them. */
  grouped: boolean;
  /** The listing begins behind this key. */
  after: string | undefined;
  /** What the page before said. */
  next: string | undefined;
}

export type ListPage = (query: PageQuery, signal: AbortSignal) => Promise<Page>;

/** Requests at a time. */
const PARALLEL = 16;
/** A folder with more folders has them listed in so many groups. */
const MOST_GROUPS = 64;

type Task =
  | { kind: 'below'; prefix: string }
  | { kind: 'group'; prefix: string; first: string; last: string };

type Told = RemoteFolder | Unreadable;

/** Keys and folders are those of the bucket; `root` is '' or ends in a slash, and what is told is below it. */
export function walk(list: ListPage, root: string, signal: AbortSignal): AsyncIterable<Told> {
  const setbacks = new Setbacks();
  const work = async (task: Task, { emit, add, signal }: Work<Task, Told>) => {
    const tell = async (folder: OpenFolder) => {
      const complete = folder.complete();
      if (complete !== undefined) await emit(complete);
    };
    const listing = { list, root, signal, tell };
    try {
      if (task.kind === 'group') await listGroup(listing, task);
      else add(await listBelow(listing, task.prefix));
      setbacks.succeeded();
    } catch (error) {
      if (concernsAll(error, task, root)) throw error;
      const reason = setbacks.reasonOf(error, signal);
      await emit({ path: folderPath(task.prefix.slice(root.length)), reason });
    }
  };
  return inParallel<Task, Told>([{ kind: 'below', prefix: root }], work, PARALLEL, signal);
}

/** Is it the root that failed, or the server or its bucket? Policies deny prefixes, and servers fail at some of them. */
function concernsAll(error: unknown, task: Task, root: string): boolean {
  if (task.kind === 'below' && task.prefix === root) return true;
  return !(error instanceof FacetError && (error.code === 'denied' || error.code === 'unreachable'));
}

interface Listing {
  list: ListPage;
  root: string;
  signal: AbortSignal;
  tell: (folder: OpenFolder) => Promise<void>;
}

/** Tells everything below a prefix, or its top folder and what is to be done for the rest. */
async function listBelow({ list, root, signal, tell }: Listing, prefix: string): Promise<Task[]> {
  const first = await list({ prefix, grouped: false, after: undefined, next: undefined }, signal);
  if (first.next !== undefined) return listTop({ list, root, signal, tell }, prefix);
  const walker = new FlatWalker(root, prefix, tell);
  for (const { key, file } of first.objects) await walker.add(key, file);
  await walker.end();
  return [];
}

async function listTop({ list, root, signal, tell }: Listing, prefix: string): Promise<Task[]> {
  const folder = new OpenFolder(prefix.slice(root.length));
  const below: string[] = [];
  for await (const page of pages(list, { prefix, grouped: true, after: undefined }, signal)) {
    for (const { key, file } of page.objects) {
      if (!isMarker(key, file)) folder.addFile(key.slice(root.length), file);
    }
    for (const each of page.prefixes) {
      folder.addFolder(each.slice(prefix.length, -1));
      below.push(each);
    }
  }
  await tell(folder);
  return groups(prefix, below);
}

function groups(prefix: string, below: readonly string[]): Task[] {
  if (below.length <= MOST_GROUPS) return below.map(each => ({ kind: 'below', prefix: each }));
  const size = Math.ceil(below.length / MOST_GROUPS);
  const starts = Array.from({ length: Math.ceil(below.length / size) }, (_, index) => index * size);
  return starts.map(start => {
    const group = below.slice(start, start + size);
    return { kind: 'group', prefix, first: group[0] ?? '', last: group.at(-1) ?? '' };
  });
}

/** Tells what is below neighbouring folders, `first` and `last` among them; files beside them are told already. */
async function listGroup(
  { list, root, signal, tell }: Listing,
  task: Task & { kind: 'group' },
): Promise<void> {
  const { prefix, first, last } = task;
  // The last keys before `first/`: a slash comes right after a full stop, and U+10FFFF after everything.
  const after = `${first.slice(0, -1)}.\u{10ffff}`;
  const walker = new FlatWalker(root, prefix, async folder => {
    if (root + folder.key !== prefix) await tell(folder);
  });
  listing: for await (const page of pages(list, { prefix, grouped: false, after }, signal)) {
    for (const { key, file } of page.objects) {
      const folder = key.slice(0, key.indexOf('/', prefix.length) + 1);
      if (!key.startsWith(last) && isBefore(last, key)) break listing;
      if (folder.length > prefix.length && !isBefore(folder, first)) await walker.add(key, file);
    }
  }
  await walker.end();
}

async function* pages(
  list: ListPage,
  query: Omit<PageQuery, 'next'>,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  let next: string | undefined;
  do {
    const page = await list({ ...query, next }, signal);
    if (page.next !== undefined && page.next === next)
      throw new FacetError('failed', 'the listing does not advance');
    yield page;
    next = page.next;
  } while (next !== undefined);
}

/** What consoles make to show an empty folder: nobody's file. */
function isMarker(key: string, file: Listed): boolean {
  return key.endsWith('/') && file.size === 0;
}

/** Takes the keys of a flat listing one by one, and tells each folder when it leaves it. */
class FlatWalker {
  readonly #root: string;
  readonly #open: OpenFolder[];
  readonly #tell: (folder: OpenFolder) => Promise<void>;
  #last = '';

  constructor(root: string, prefix: string, tell: (folder: OpenFolder) => Promise<void>) {
    this.#root = root;
    this.#open = [new OpenFolder(prefix.slice(root.length))];
    this.#tell = tell;
  }

  async add(key: string, file: Listed): Promise<void> {
    this.#checkOrder(key);
    const place = key.slice(this.#root.length);
    for (
      let top = this.#open.at(-1);
      top !== undefined && !place.startsWith(top.key);
      top = this.#open.at(-1)
    ) {
      this.#open.pop();
      await this.#tell(top);
    }
    const folder = this.#enter(place);
    if (!isMarker(key, file)) folder.addFile(place, file);
  }

  /** Opens the folders between the innermost open one and the one of this key. */
  #enter(place: string): OpenFolder {
    let folder = this.#open.at(-1) ?? new OpenFolder('');
    for (
      let slash = place.indexOf('/', folder.key.length);
      slash >= 0;
      slash = place.indexOf('/', slash + 1)
    ) {
      folder.addFolder(place.slice(folder.key.length, slash));
      folder = new OpenFolder(place.slice(0, slash + 1));
      this.#open.push(folder);
    }
    return folder;
  }

  async end(): Promise<void> {
    for (let top = this.#open.pop(); top !== undefined; top = this.#open.pop()) await this.#tell(top);
  }

  // A folder that was told must not come again, and would where keys have no order (S3 directory buckets).
  #checkOrder(key: string): void {
    if (isBefore(key, this.#last)) throw new FacetError('failed', `the keys of this bucket come in no order`);
    this.#last = key;
  }
}

/** Compares as UTF-8 does. In UTF-16 the halves of characters above U+FFFF come before the characters from U+E000 on. */
export function isBefore(key: string, other: string): boolean {
  const length = Math.min(key.length, other.length);
  for (let at = 0; at < length; at++) {
    const [one, two] = [key.charCodeAt(at), other.charCodeAt(at)];
    if (one !== two) return rank(one) < rank(two);
  }
  return key.length < other.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
