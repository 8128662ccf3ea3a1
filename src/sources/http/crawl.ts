/**
 * Finds the files below an address: folder by folder by the server's own indexes, or by a list. Never at other hosts and
 * never above where it began; a few requests at a time, and only so many.
 */
import { FacetError } from '../../errors.js';
import { folderPath, lastName, safeName } from '../key-paths.js';
import { type Listed, OpenFolder } from '../open-folder.js';
import type { RemoteFolder } from '../remote.js';
import type { Unreadable } from '../source.js';
import { inParallel, type Work } from '../web/parallel.js';
import { Setbacks } from '../web/setbacks.js';
import type { IndexEntry } from './index-page.js';
import type { ManifestEntry } from './manifest.js';

/** What a server answers to the questions of a crawl. */
export interface Site {
  /** What is in a folder, by its key, which is '' or ends in a slash. */
  index(folder: string, signal: AbortSignal): Promise<IndexEntry[]>;
  /** `'folder'` when it turns out to be one; undefined when it is nothing that can be read. */
  look(key: string, signal: AbortSignal): Promise<Listed | 'folder' | undefined>;
}

const FOLDERS_AT_ONCE = 4;
const FILES_AT_ONCE = 8;
const MOST_LEVELS = 64;
const MOST_FOLDERS = 200_000;

type Told = RemoteFolder | Unreadable;

/** What of a crawl is the same in all folders. */
interface Crawl {
  site: Site;
  tags: PredictableTags;
  setbacks: Setbacks;
}

export function crawl(site: Site, signal: AbortSignal): AsyncIterable<Told> {
  const all: Crawl = { site, tags: new PredictableTags(), setbacks: new Setbacks() };
  let folders = 0;
  const work = async (key: string, work: Work<string, Told>) => {
    checkBounds(key, ++folders);
    const entries = await indexOf(all, key, work);
    if (entries !== undefined) await enter(all, key, entries, work);
  };
  return inParallel([''], work, FOLDERS_AT_ONCE, signal);
}

/** Undefined for a folder that cannot be listed, which is told. */
async function indexOf({ site, setbacks }: Crawl, key: string, { emit, signal }: Work<string, Told>) {
  try {
    const entries = await site.index(key, signal);
    setbacks.succeeded();
    return entries;
  } catch (error) {
    if (key === '') throw error;
    await emit({ path: folderPath(key), reason: setbacks.reasonOf(error, signal) });
    return undefined;
  }
}

async function enter(
  all: Crawl,
  key: string,
  entries: readonly IndexEntry[],
  { emit, add, signal }: Work<string, Told>,
): Promise<void> {
  const folder = new OpenFolder(key);
  const below = new Set<string>();
  for await (const { name, file } of examine(all, key, entries, signal)) {
    if (file === 'folder') {
      folder.addFolder(name);
      below.add(`${key}${name}/`);
    } else if ('reason' in file) await emit(file);
    else folder.addFile(key + name, file);
  }
  const complete = folder.complete();
  if (complete !== undefined) await emit(complete);
  add([...below]);
}

function checkBounds(key: string, folders: number): void {
  const levels = key.split('/').length - 1;
  if (levels <= MOST_LEVELS && folders <= MOST_FOLDERS) return;
  const what =
    levels > MOST_LEVELS
      ? `goes deeper than ${MOST_LEVELS} folders`
      : `has more than ${MOST_FOLDERS} folders`;
  throw new FacetError('failed', `the site ${what}`, {
    path: folderPath(key),
    hint: 'add folders of it one by one',
  });
}

interface Examined {
  name: string;
  file: Listed | 'folder' | Unreadable;
}

/** Asks for what the index does not say. */
function examine(
  { site, tags, setbacks }: Crawl,
  folder: string,
  entries: readonly IndexEntry[],
  signal: AbortSignal,
): AsyncIterable<Examined> {
  const work = async (entry: IndexEntry, { emit, signal }: Work<IndexEntry, Examined>) => {
    const { name, exact } = entry;
    if (entry.folder) return emit({ name, file: 'folder' });
    const version = exact && tags.tag(exact);
    if (exact !== undefined && version !== undefined) return emit({ name, file: { ...exact, version } });
    const file = await lookAt(site, setbacks, folder + name, signal);
    if (file === undefined) return;
    if (exact !== undefined && file !== 'folder' && !('reason' in file)) tags.compare(exact, file);
    await emit({ name, file });
  };
  return inParallel(entries, work, FILES_AT_ONCE, signal);
}

async function lookAt(
  site: Pick<Site, 'look'>,
  setbacks: Setbacks,
  key: string,
  signal: AbortSignal,
): Promise<Listed | 'folder' | Unreadable | undefined> {
  try {
    const file = await site.look(key, signal);
    setbacks.succeeded();
    return file;
  } catch (error) {
    const above = folderPath(key.slice(0, key.lastIndexOf('/') + 1));
    const name = safeName(lastName(key));
    const path = above === '' ? name : `${above}/${name}`;
    return { path, reason: setbacks.reasonOf(error, signal) };
  }
}

/**
 * The entity tags of nginx: the time and the size of a file. Where one file shows that a server makes them so, an index with
 * exact times and sizes says everything, and the others need not be asked for.
 */
class PredictableTags {
  #trusted: boolean | undefined;

  tag({ size, mtimeUs }: Pick<Listed, 'size' | 'mtimeUs'>): string | undefined {
    return this.#trusted === true
      ? `"${(mtimeUs / 1_000_000).toString(16)}-${size.toString(16)}"`
      : undefined;
  }

  compare(exact: Pick<Listed, 'size' | 'mtimeUs'>, file: Listed): void {
    if (this.#trusted !== undefined) return;
    this.#trusted = true;
    this.#trusted = this.tag(exact) === file.version;
  }
}

/** The folders of a list. */
export async function* listedFolders(
  entries: readonly ManifestEntry[],
  site: Pick<Site, 'look'>,
  signal: AbortSignal,
): AsyncGenerator<Told> {
  const folders = new Map<string, OpenFolder>();
  const setbacks = new Setbacks();
  const at = (key: string) => {
    const folder = folders.get(key) ?? new OpenFolder(key);
    folders.set(key, folder);
    return folder;
  };
  for (const { key } of entries) enterFolders(key, at);
  const work = async (
    { key, exact }: ManifestEntry,
    { emit, signal }: Work<ManifestEntry, [string, Listed | Unreadable]>,
  ) => {
    const file =
      exact === undefined ? await lookAt(site, setbacks, key, signal) : { ...exact, version: undefined };
    if (file !== undefined && file !== 'folder') await emit([key, file]);
  };
  for await (const [key, file] of inParallel(entries, work, FILES_AT_ONCE, signal)) {
    if ('reason' in file) yield file;
    else at(key.slice(0, key.lastIndexOf('/') + 1)).addFile(key, file);
  }
  for (const folder of folders.values()) {
    const complete = folder.complete();
    if (complete !== undefined) yield complete;
  }
}

/** Tells each folder above a file of the one in it. */
function enterFolders(key: string, at: (folder: string) => OpenFolder): void {
  let start = 0;
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', start)) {
    at(key.slice(0, start)).addFolder(key.slice(start, slash));
    start = slash + 1;
  }
}
