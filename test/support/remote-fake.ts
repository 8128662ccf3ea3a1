/** Files afar that exist only as a formula, a source that does what a test tells it, and a cache in memory. */

import { setTimeout } from 'node:timers/promises';
import { BLOCK_SIZE, blockEnd } from '../../src/cache/blocks.js';
import { type Interval, Intervals } from '../../src/cache/intervals.js';
import { FacetError } from '../../src/errors.js';
import type { RangeRequest, RemotePlace, RemoteSource } from '../../src/sources/remote.js';
import type { Blob, BlobStore, RemoteContent } from '../../src/volume/blob.js';

export const MIB = 1 << 20;

/** The bytes of a file, of which `path` says which; another version has others. */
export function bytesAt(path: string, version: string | undefined, start: number, end: number): Buffer {
  const from = start - (start % 4);
  const words = new Uint32Array(Math.ceil((end - from) / 4));
  const salt = [...`${path} ${version}`].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), 7);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(from / 4 + at + salt, 2_654_435_761) ^ salt;
  return Buffer.from(words.buffer).subarray(start - from, end - from);
}

/** One request, while it is answered and afterwards. */
export interface SeenRequest extends Interval {
  path: string;
  version: string | undefined;
  /** Bytes that were handed out. */
  sent: number;
  open: boolean;
  signal: AbortSignal;
}

/** Called before each chunk; may wait, and may throw what the source is to throw. */
export type Script = (request: SeenRequest) => Promise<void> | void;

export class RemoteFake implements RemoteSource {
  readonly requests: SeenRequest[] = [];
  readonly #script: Script;
  readonly #chunk: number;
  /** Two requests for the same bytes of a file at a time, of which neither was aborted. */
  doubled = 0;
  mostUnderWay = 0;
  /** By path, where it is not the one that is asked for. */
  readonly versions = new Map<string, string>();

  constructor(script: Script = () => {}, chunk = 64 * 1024) {
    this.#script = script;
    this.#chunk = chunk;
  }

  get underWay(): SeenRequest[] {
    return this.requests.filter(({ open, signal }) => open && !signal.aborted);
  }

  get sent(): number {
    return this.requests.reduce((sum, { sent }) => sum + sent, 0);
  }

  async *read({ path }: RemotePlace, request: RangeRequest): AsyncGenerator<Uint8Array> {
    const { start, end, version, signal } = request;
    const overlaps = (other: SeenRequest) =>
      other.path === path && other.version === version && other.start + other.sent < end && start < other.end;
    this.doubled += this.underWay.filter(overlaps).length;
    const seen = { path, version, start, end, sent: 0, open: true, signal };
    this.requests.push(seen);
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay.length);
    try {
      yield* this.#send(path, version, seen);
    } finally {
      seen.open = false;
    }
  }

  async *#send(path: string, version: string | undefined, seen: SeenRequest): AsyncGenerator<Uint8Array> {
    for (let at = seen.start; at < seen.end; at = seen.start + seen.sent) {
      await abortable(this.#script(seen), seen.signal);
      if ((this.versions.get(path) ?? version) !== version) {
        throw new FacetError('content-changed', `${path} is another`);
      }
      const to = Math.min(at + this.#chunk, seen.end);
      seen.sent += to - at;
      yield bytesAt(path, version, at, to);
    }
  }

  async *folders(): AsyncGenerator<never> {}
  async stat(): Promise<undefined> {}
  async close(): Promise<void> {}
}

/** As a source does, ends waiting when the signal fires. */
function abortable(waiting: Promise<void> | void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    Promise.resolve(waiting)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

export function remoteFile(source: RemoteSource, size: number, path = 'film', version = 'v1'): RemoteContent {
  return {
    key: `${path} ${version}`,
    source,
    place: { path, key: undefined },
    version,
    size,
    sha256: undefined,
  };
}

/** Keeps blocks in memory, or nothing while it is `full`. */
export class MemoryStore implements BlobStore {
  readonly blocks = new Map<string, Map<number, Buffer>>();
  full = false;
  failsToCommit = false;
  /** Writes wait for it. */
  disk: Promise<void> = Promise.resolve();
  /** Handles that are open. */
  handles = 0;
  commits = 0;
  /** Keeps that a block is there, and not its bytes: for files that are larger than memory. */
  readonly #forgetful: boolean;

  constructor({ forgetful = false } = {}) {
    this.#forgetful = forgetful;
  }

  open(content: RemoteContent): Blob {
    this.handles++;
    const committed = this.blocks.get(content.key) ?? new Map<number, Buffer>();
    this.blocks.set(content.key, committed);
    return this.#blob(content, committed, new Map());
  }

  #blob(content: RemoteContent, committed: Map<number, Buffer>, written: Map<number, Buffer>): Blob {
    const find = (offset: number) => written.get(offset) ?? committed.get(offset);
    const missing = (start: number, end: number) =>
      missingOf(start, end, content.size, offset => !find(offset));
    return {
      missing,
      read: (target, at, size, offset) => {
        if (missing(offset, offset + size).length > 0) return undefined;
        if (this.#forgetful) {
          return bytesAt(content.place.path, content.version, offset, offset + size).copy(target, at);
        }
        for (let done = 0; done < size; ) {
          const from = (offset + done) % BLOCK_SIZE;
          done += find(offset + done - from)?.copy(target, at + done, from, from + size - done) ?? size;
        }
        return size;
      },
      reserve: () => {},
      write: async (offset, bytes) => {
        if (this.full) throw new FacetError('no-space', 'the cache is full');
        if (offset % BLOCK_SIZE !== 0 || blockEnd(offset + 1, content.size) !== offset + bytes.length) {
          throw new Error('not a whole block');
        }
        await this.disk;
        written.set(offset, this.#forgetful ? Buffer.alloc(0) : Buffer.from(bytes));
      },
      commit: async intervals => {
        await new Promise(setImmediate);
        if (this.failsToCommit) throw new FacetError('no-space', 'the cache is full');
        this.commits++;
        for (const { start, end } of intervals) {
          for (let at = start; at < end; at += BLOCK_SIZE)
            committed.set(at, written.get(at) ?? Buffer.alloc(0));
        }
      },
      close: () => {
        this.handles--;
      },
    };
  }
}

function missingOf(
  start: number,
  end: number,
  size: number,
  isMissing: (offset: number) => boolean,
): Interval[] {
  const missing = new Intervals();
  for (let at = start - (start % BLOCK_SIZE); at < end; at += BLOCK_SIZE) {
    if (isMissing(at)) missing.add(Math.max(at, start), Math.min(at + BLOCK_SIZE, end, size));
  }
  return [...missing];
}

/** Resolves when everything that can go on without time or a signal has gone on. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
}

/** What is committed is so a little later than it can be read. */
export async function untilCommitted(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isSo(); turn++) await setTimeout(2);
}
