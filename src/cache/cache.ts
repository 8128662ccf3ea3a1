/**
 * The cache on disk: contents from afar, kept in `index.db`, `blobs/` and `tmp/` of one directory. Any number of processes and
 * threads share it, each with a `Cache` of its own. Only writers wait for the disk in other threads; all else is synchronous.
 *
 * A blob is one version of one file's contents. Its key is the caller's, any text that names the version too; several keys with
 * equal contents lead to one blob. Bytes are found only once they are safe on the disk, and served only when they have the
 * checksum they were written with. Nothing here knows where contents come from.
 */
import type { Statement } from 'better-sqlite3';
import { Accesses } from './accesses.js';
import { BlobFiles } from './blob-files.js';
import { BlobIndex, isWhole } from './blob-index.js';
import { BlockMap } from './block-map.js';
import { BlockWriter, type BlockWriterParts } from './block-writer.js';
import { BLOCK_SIZE } from './blocks.js';
import { isNoSpace, removed, translated } from './cache-error.js';
import { CheckedBlocks } from './checked-blocks.js';
import { type CacheAccess, IndexDatabase } from './database.js';
import { type Evicted, Evictor, endOf } from './eviction.js';
import type { BlobHandle } from './handle.js';
import { makeHeadroom } from './headroom.js';
import { type CachedContents, contentsReader, inBatches } from './listing.js';
import { Recovery } from './recovery.js';
import { type Limits, Space } from './space.js';
import { type CacheStatus, readStatus } from './status.js';
import { openBlob, shareContents } from './twins.js';
import { type Verified, verifyCache } from './verify.js';
import { WholeWriter } from './whole-writer.js';
import type { BlobWriter } from './writer.js';

const BLOCK_THRESHOLD = 50_000_000;

/** Bytes that are tried first where unpinning has no room: enough for a few pins. */
const FIRST_ROOM = 1 << 18;

export class Cache {
  readonly directory: string;
  readonly #limits: Limits;
  readonly #index: IndexDatabase;
  readonly #parts: BlockWriterParts;
  readonly #evictor: Evictor;
  readonly #recovery: Recovery;
  readonly #addPin: Statement<[string]>;
  readonly #removePin: Statement<[string]>;
  readonly #renamePin: Statement<[string, string]>;
  readonly #pinned: Statement<[string, string], string>;
  readonly #pinnedRoom: Statement<[string], { id: number; room: number }>;
  readonly #list: (after: string) => CachedContents[];

  /**
   * Opens the cache in a directory; the rest is as `access` says. Where the disk is too full to `write`, it first removes what was
   * read the longest ago.
   * Throws `not-found`, `denied`, `no-space`, `in-use`, `integrity` (a damaged index) or `failed` (of another version).
   */
  static open(directory: string, limits: Limits, access: CacheAccess = 'write'): Cache {
    try {
      return Cache.#open(directory, limits, access);
    } catch (error) {
      if (access !== 'write' || !isNoSpace(error)) throw error;
      makeHeadroom(directory);
      return Cache.#open(directory, limits, access);
    }
  }

  static #open(directory: string, limits: Limits, access: CacheAccess): Cache {
    const index = new IndexDatabase(directory, access);
    try {
      return translated(directory, () => new Cache(index, limits, access));
    } catch (error) {
      index.close();
      throw error;
    }
  }

  private constructor(index: IndexDatabase, limits: Limits, access: CacheAccess) {
    const { directory, db } = index;
    const [blobs, blocks, files] = [new BlobIndex(db), new BlockMap(db), new BlobFiles(directory)];
    this.directory = directory;
    this.#limits = limits;
    this.#index = index;
    this.#evictor = new Evictor(index, blobs, files);
    this.#recovery = new Recovery(index, blobs, blocks, files);
    const accesses = new Accesses(index);
    const space = new Space(index, blobs, this.#evictor, limits, () => this.#tidy());
    this.#parts = {
      ...{ index, blobs, blocks, files, space, accesses, checked: new CheckedBlocks() },
      releasePending: (blob, fd) => this.#recovery.releasePending(blob, fd),
    };
    this.#addPin = db.prepare('INSERT OR IGNORE INTO pins VALUES (?)');
    this.#removePin = db.prepare('DELETE FROM pins WHERE key = ?');
    this.#renamePin = db.prepare('UPDATE OR IGNORE pins SET key = ? WHERE key = ?');
    this.#pinned = db
      .prepare<[string, string], string>('SELECT key FROM pins WHERE key BETWEEN ? AND ?')
      .pluck();
    this.#pinnedRoom = db.prepare(
      'SELECT b.id, b.room FROM keys k JOIN blobs b ON b.id = k.blob_id WHERE k.key = ? AND b.pinned = 1',
    );
    this.#list = contentsReader(db);
    if (access !== 'write') return;
    files.create();
    this.#recovery.sweep();
  }

  #tidy(): void {
    this.#parts.accesses.flush();
    this.#recovery.sweep();
  }

  /** Has its directory been removed? It serves on what is open, and what is written is lost: open another one. */
  isRemoved(): boolean {
    return this.#index.isRemoved();
  }

  /** Opens what there is under a key; undefined when that is nothing, or contents of another size. Whoever opens it closes it. */
  lookup(key: string, size: number): BlobHandle | undefined {
    return translated(this.directory, () => {
      const blob = this.#parts.blobs.find(key);
      return blob?.size === size ? openBlob(blob, this.#parts) : undefined;
    });
  }

  /** Is all there that there is to be under a key? */
  isWhole(key: string, size: number): boolean {
    return translated(this.directory, () => {
      const blob = this.#parts.blobs.find(key);
      return blob?.size === size && isWhole(blob);
    });
  }

  /** How many of the bytes under a key are there. */
  presentBytes(key: string, size: number): number {
    return translated(this.directory, () => {
      const blob = this.#parts.blobs.find(key);
      return blob?.size === size ? Math.min(blob.present * BLOCK_SIZE, size) : 0;
    });
  }

  /** Opens whole contents with this SHA-256 and lets the key lead there, so that nothing needs to be fetched. */
  adopt(key: string, size: number, sha256: Buffer): BlobHandle | undefined {
    return translated(this.directory, () => shareContents(key, size, sha256, this.#parts));
  }

  /**
   * Opens a writer for the contents of a key; it goes on with what is there. Several at once, in several processes, do no harm.
   * Whole contents are compared with the SHA-256 that they are expected to have.
   * Throws `no-space`, at once for small contents, of which it sets all room aside, and `failed` when the cache was removed.
   */
  writer(key: string, size: number, expected?: Buffer): BlobWriter {
    // Its files would be strangers in the cache that another process has made there since.
    if (this.isRemoved()) throw removed(this.directory);
    const { blockThreshold = BLOCK_THRESHOLD } = this.#limits;
    const inBlocks = size >= blockThreshold || this.#parts.blobs.find(key)?.size === size;
    return inBlocks
      ? new BlockWriter(key, size, expected, this.#parts)
      : new WholeWriter(key, size, expected, this.#parts);
  }

  /** What these keys lead to stays until it is unpinned, also when it is fetched later. */
  pin(keys: readonly string[]): void {
    this.#changePins(this.#addPin, keys);
  }

  /** Where the disk has no room to note it, some of what these keys lead to makes room: it may go from now on anyway. */
  unpin(keys: readonly string[]): void {
    this.#unpin(keys, FIRST_ROOM);
  }

  #unpin(keys: readonly string[], bytes: number): void {
    try {
      this.#changePins(this.#removePin, keys);
    } catch (error) {
      if (!isNoSpace(error) || this.#evictor.removePinned(keys, bytes) === 0) throw error;
      this.#unpin(keys, bytes * 2);
    }
  }

  /** The pinned keys that begin so, whether or not anything is there of them. */
  pinned(prefix: string): string[] {
    return this.#pinned.all(prefix, endOf(prefix));
  }

  /** What the first key of each pair leads to is under the second one from now on, and so is its pin. */
  rename(pairs: readonly (readonly [from: string, to: string])[]): void {
    this.#index.write(() => {
      for (const [from, to] of pairs) {
        this.#parts.blobs.renameKey(from, to);
        this.#renamePin.run(to, from);
        this.#parts.blobs.setPinned(to);
      }
    });
  }

  #changePins(change: Statement<[string]>, keys: readonly string[]): void {
    this.#index.write(() => {
      for (const key of keys) {
        change.run(key);
        this.#parts.blobs.setPinned(key);
      }
    });
  }

  /** Everything that is there, by key. Others may change it meanwhile. */
  list(): Generator<CachedContents> {
    return inBatches(this.#list);
  }

  status(): CacheStatus {
    this.#parts.accesses.flush();
    return readStatus(this.#index.db, this.directory, this.#limits);
  }

  /** How many bytes these keys can lead to at the same time: what all may take, without what is pinned of others. */
  roomFor(keys: readonly string[]): number {
    const { bytes, pinned, free, maxSize, minFree } = this.status();
    const theirs = new Map(keys.flatMap(key => this.#pinnedRoom.all(key)).map(({ id, room }) => [id, room]));
    const others = [...theirs.values()].reduce((sum, room) => sum - room, pinned);
    return Math.max(Math.min(maxSize, bytes + free - minFree) - others, 0);
  }

  /** Removes what nobody has read for `maxAge` milliseconds, then the least recently read until `maxSize` bytes are left. */
  evict({ maxAge = this.#limits.maxAge, maxSize = this.#limits.maxSize } = {}): Evicted {
    this.#tidy();
    return this.#evict(Date.now() - maxAge, this.#parts.blobs.usage().room - maxSize);
  }

  /** Removes what the keys with this beginning lead to, unless it is pinned or open. */
  evictUnder(prefix: string): Evicted {
    return this.#evictor.removeUnder(prefix);
  }

  /** Removes everything that is neither pinned nor open. */
  clear(): Evicted {
    this.#tidy();
    return this.#evict(Number.MAX_SAFE_INTEGER);
  }

  #evict(before: number, bytes = 0): Evicted {
    const { until, ...evicted } = this.#evictor.remove({ before, bytes });
    return { ...evicted, kept: evicted.kept + this.#evictor.countPinned(until) };
  }

  /** Checks everything, blob by blob; with `repair`, what is bad is not there any more, and will be fetched again. */
  verify({ repair = false } = {}): Generator<Verified> {
    return verifyCache(this.#parts, this.#recovery, repair);
  }

  /** Lets others know what was read here; happens by itself while more is read. Call it now and then where reading can pause. */
  flush(): void {
    this.#parts.accesses.flush();
  }

  /** Handles and writers are to be closed before. */
  close(): void {
    this.#parts.accesses.flush();
    this.#index.close();
  }
}
