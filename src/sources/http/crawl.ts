/**
 * Finds the files below an address: folder by folder by the server's own indexes, or by a list. Never at other hosts and
 * never above where it began; a few requests at a time, and only so many.
 */
import { FacetError } from '../../errors.js';
import { folderPath } from '../key-paths.js';
import { type Listed, OpenFolder } from '../open-folder.js';
import type { RemoteFolder } from '../remote.js';
import { inParallel, type Work } from '../web/parallel.js';
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

export function crawl(site: Site, signal: AbortSignal): AsyncIterable<RemoteFolder> {
  const tags = new PredictableTags();
  let folders = 0;
  const work = async (key: string, { emit, add, signal }: Work<string, RemoteFolder>) => {
    checkBounds(key, ++folders);
    const folder = new OpenFolder(key);
    const entries = await site.index(key, signal);
    const found = examine(site, tags, key, entries, signal);
    const below: string[] = [];
    for await (const { name, file } of found) {
      if (file !== 'folder') folder.addFile(key + name, file);
      else if (!below.includes(`${key}${name}/`)) below.push(`${key}${name}/`);
      if (file === 'folder') folder.addFolder(name);
    }
    const complete = folder.complete();
    if (complete !== undefined) await emit(complete);
    add(below);
  };
  return inParallel([''], work, FOLDERS_AT_ONCE, signal);
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
  file: Listed | 'folder';
}

/** Asks for what the index does not say. */
function examine(
  site: Site,
  tags: PredictableTags,
  folder: string,
  entries: readonly IndexEntry[],
  signal: AbortSignal,
): AsyncIterable<Examined> {
  const work = async (entry: IndexEntry, { emit, signal }: Work<IndexEntry, Examined>) => {
    const { name, exact } = entry;
    if (entry.folder) return emit({ name, file: 'folder' });
    const version = exact && tags.tag(exact);
    if (exact !== undefined && version !== undefined) return emit({ name, file: { ...exact, version } });
    const file = await site.look(folder + name, signal);
    if (file === undefined) return;
    if (exact !== undefined && file !== 'folder') tags.compare(exact, file);
    await emit({ name, file });
  };
  return inParallel(entries, work, FILES_AT_ONCE, signal);
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
): AsyncGenerator<RemoteFolder> {
  const folders = new Map<string, OpenFolder>();
  const at = (key: string) => {
    const folder = folders.get(key) ?? new OpenFolder(key);
    folders.set(key, folder);
    return folder;
  };
  for (const { key } of entries) enterFolders(key, at);
  const work = async (
    { key, exact }: ManifestEntry,
    { emit, signal }: Work<ManifestEntry, [string, Listed]>,
  ) => {
    const file = exact === undefined ? await site.look(key, signal) : { ...exact, version: undefined };
    if (file !== undefined && file !== 'folder') await emit([key, file]);
  };
  for await (const [key, file] of inParallel(entries, work, FILES_AT_ONCE, signal)) {
    at(key.slice(0, key.lastIndexOf('/') + 1)).addFile(key, file);
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
