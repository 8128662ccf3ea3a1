/**
 * The contents of remote files: from the cache, and what is missing there from the source. For the main thread of a process;
 * a thread that serves asks the cache alone.
 */
import { BLOCK_SIZE } from '../cache/blocks.js';
import { Cache } from '../cache/cache.js';
import { LastingCache } from '../cache/lasting-cache.js';
import type { Limits } from '../cache/space.js';
import type { FileLocation, FileRecord } from '../catalog/files.js';
import { sourcePath } from '../catalog/files.js';
import type { SourceRecord, Sources } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { isRemote, openSource } from '../sources/open-remote.js';
import type { Checksum, RemoteSource } from '../sources/remote.js';
import type { RemoteContent } from './blob.js';
import { giveBlock, takeBlock } from './block-buffers.js';
import { CacheStore } from './cached-blob.js';
import { contentKey } from './content-key.js';
import { Downloader } from './download.js';
import { type Fitting, fitInto } from './fitting.js';
import { KeptBlocks } from './kept-blocks.js';
import { type MappedFolder, MappedFolders } from './mapped-folders.js';
import { type NearFile, NearFiles } from './near-files.js';
import type { PartFile } from './part-file.js';
import { presentOf, SafeBlob } from './safe-blob.js';

export interface RemoteOptions {
  /** Of the cache. */
  directory: string;
  limits: Omit<Limits, 'blockThreshold'>;
  /** Bytes a second, over all files. */
  limitRate?: number | undefined;
  /** Folders of this machine that show files of remote sources. */
  mounts: readonly MappedFolder[];
  /** Closing need not wait until what has come is compared with its checksum: it is not kept as a whole then. */
  signal: AbortSignal;
  /** Ask no source: what is not in the cache is `unreachable`. */
  cacheOnly?: boolean | undefined;
  /**
   * The cache cannot be opened: for now everything comes from its source, and nothing is kept. Without it, that is an error to
   * whoever opens this.
   */
  onUncached?: ((error: unknown) => void) | undefined;
  /** A file's contents at its source are not those that the catalog knows. */
  onChanged?: OnFile | undefined;
  /** All of a file had come into the cache, and was not what it is to be: it was read so, perhaps, and is there no more. */
  onDamaged?: OnFile | undefined;
}

type OnFile = (file: FileLocation, error: FacetError) => void;

interface OpenSource {
  source: RemoteSource;
  /** Its files are told by a stream, and are somewhere else. */
  isStream: boolean;
}

export class RemoteContents {
  readonly #cache: LastingCache;
  readonly #store: CacheStore;
  readonly downloads: Downloader;
  readonly #records: Sources;
  readonly #near: NearFiles;
  readonly #cacheOnly: boolean;
  readonly #sources = new Map<number, Promise<OpenSource>>();
  /** Whose contents they are, for as long as anybody reads them. */
  readonly #files = new WeakMap<RemoteContent, FileLocation>();

  constructor(
    sources: Sources,
    {
      directory,
      limits,
      limitRate,
      mounts,
      cacheOnly = false,
      onUncached,
      onChanged,
      onDamaged,
      signal,
    }: RemoteOptions,
  ) {
    this.#records = sources;
    this.#near = new NearFiles(new MappedFolders(sources, mounts));
    this.#cacheOnly = cacheOnly;
    // Block by block but for the smallest: nobody need fetch the whole of a file to read a part.
    this.#cache = new LastingCache(() => Cache.open(directory, { ...limits, blockThreshold: BLOCK_SIZE }));
    this.#openCache(onUncached);
    this.#store = new CacheStore(() => this.#cache.get(), signal);
    this.downloads = new Downloader({
      cache: this.#store,
      limitRate,
      onChanged: this.#telling(onChanged),
      onDamaged: this.#telling(onDamaged),
    });
  }

  #telling(listener: OnFile | undefined): (content: RemoteContent, error: FacetError) => void {
    return (content, error) => {
      const file = this.#files.get(content);
      if (file) listener?.(file, error);
    };
  }

  /** What is wrong with a cache is to be told at once. */
  #openCache(onUncached: RemoteOptions['onUncached']): void {
    try {
      this.#cache.get();
    } catch (error) {
      if (!onUncached || !(error instanceof FacetError)) throw error;
      onUncached(error);
    }
  }

  /** What a download needs to know of a file. Throws what opening its source throws. */
  async contentOf(file: FileLocation): Promise<RemoteContent> {
    const { source, isStream } = await this.#sourceOf(file.sourceId);
    const { size, version, sha256 } = file;
    // The key of a stream is nothing to the source that has the contents.
    const place = { path: sourcePath(file), key: isStream ? undefined : (file.key ?? undefined) };
    const content = {
      ...{ key: contentKey(file), source, place, size },
      version: version ?? undefined,
      sha256: sha256 ? Buffer.from(sha256) : undefined,
    };
    this.#files.set(content, file);
    return content;
  }

  /** Which of these files the cache can hold. Throws what opening the cache throws. */
  fitting(files: readonly FileRecord[]): Fitting {
    return fitInto(this.#cache.get(), files);
  }

  /**
   * Fills what `part` lacks of a file, from the cache or the source. The cache does not take it: it is kept where it was wanted,
   * and would only make other things go.
   */
  async bring(file: FileLocation, part: PartFile, signal: AbortSignal): Promise<void> {
    const content = await this.contentOf(file);
    await this.#bringCached(content, part, signal);
    const own = { ...content, key: part.path };
    this.#files.set(own, file);
    await this.#bringRest(own, part, signal);
  }

  /** What the source says of all the bytes; undefined when it says nothing, and when it need not be asked for any. */
  async checksumOf(file: FileLocation, signal: AbortSignal): Promise<Checksum | undefined> {
    if (this.#isCached(file)) return undefined;
    const { source, place, version, size } = await this.contentOf(file);
    return source.checksum?.(place, { version, size, signal });
  }

  /** Not with AbortSignal.any: a signal that lives long keeps something of each one that was made of it. */
  async #bringRest(content: RemoteContent, part: PartFile, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const giveUp = () => part.giveUp(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await this.downloads.fill(content, { open: () => part }, part.givenUp);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #bringCached(content: RemoteContent, part: PartFile, signal: AbortSignal): Promise<void> {
    const cached = new SafeBlob(this.#store, content, new KeptBlocks(0));
    const block = takeBlock(BLOCK_SIZE);
    try {
      for (const { start, end } of part.missing(0, content.size).flatMap(gap => presentOf(cached, gap))) {
        for (let at = start; at < end; at += BLOCK_SIZE) {
          signal.throwIfAborted();
          const bytes = block.subarray(0, Math.min(BLOCK_SIZE, end - at));
          if (cached.read(bytes, at)) await part.copy(at, bytes);
        }
      }
    } finally {
      giveBlock(block);
      cached.close();
    }
  }

  /** Where the file is nearer than its source, unless the cache has it. Never fails. Whoever opens it closes it. */
  async openNear(file: FileLocation): Promise<NearFile | undefined> {
    if (this.#cacheOnly || !this.#near.has(file) || this.#isCached(file)) return undefined;
    return this.#near.open(file);
  }

  #isCached(file: FileLocation): boolean {
    try {
      return this.#cache.get().isWhole(contentKey(file), file.size);
    } catch (error) {
      // What the cache cannot tell, it cannot serve.
      if (error instanceof FacetError) return false;
      throw error;
    }
  }

  #sourceOf(id: number): Promise<OpenSource> {
    const known = this.#sources.get(id);
    if (known) return known;
    const opening = this.#open(this.#records.withId(id));
    this.#sources.set(id, opening);
    // Credentials that could not be found may be there the next time.
    opening.catch(() => this.#sources.delete(id));
    return opening;
  }

  async #open(record: SourceRecord | undefined): Promise<OpenSource> {
    if (!record) throw new FacetError('not-found', 'the source was removed');
    const source = this.#cacheOnly ? unasked(record.name) : await openSource(this.#records.holderOf(record));
    return { source, isStream: record.options.stream !== undefined };
  }

  /** Gets ready for the first reads, for which nobody asks the network yet. What fails now may not later. */
  async prepare(): Promise<void> {
    const remote = this.#records.all().filter(({ uri }) => isRemote(uri));
    await Promise.allSettled(remote.map(({ id }) => this.#sourceOf(id)));
  }

  async close(): Promise<void> {
    this.#near.close();
    await this.downloads.close();
    for (const source of this.#sources.values())
      await source.then(each => each.source.close()).catch(() => {});
    this.#cache.close();
  }
}

/** Stands for a source that nobody is to ask. */
function unasked(name: string): RemoteSource {
  const refuse = (path: string): never => {
    throw new FacetError('unreachable', `${name}:${path} is not in the cache`, {
      path,
      hint: 'leave out --cache-only, or bring it there first: facet cache warm',
    });
  };
  return {
    folders: () => refuse(''),
    stat: async ({ path }) => refuse(path),
    read: ({ path }) => refuse(path),
    close: async () => {},
  };
}
