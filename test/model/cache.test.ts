/**
 * Random writing, reading, pinning and clearing through several `Cache` objects on one directory, against a model that knows
 * which blocks are there: after each step every one of them finds just these, with the right bytes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Cache } from '../../src/cache/cache.js';
import type { BlobHandle } from '../../src/cache/handle.js';
import type { BlobWriter } from '../../src/cache/writer.js';
import { FacetError } from '../../src/errors.js';
import { assertClean, blobFilesIn, contentsOf, MiB, openCache, readRange } from '../support/caches.js';
import { runs } from '../support/random.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';

/** Half a block: what one step writes at least. */
const CHUNK = MiB / 2;

/** Two of the small ones have equal contents; the large ones are kept in blocks. */
const FILES = [
  { key: 'small', contents: 'same', size: 1_700_000, isLarge: false },
  { key: 'small too', contents: 'same', size: 1_700_000, isLarge: false },
  { key: 'tiny', contents: 'tiny', size: 10, isLarge: false },
  { key: 'large', contents: 'large', size: 3_300_000, isLarge: true },
  { key: 'larger', contents: 'larger', size: 5 * MiB, isLarge: true },
].map(file => ({ ...file, bytes: contentsOf(file.contents, file.size) }));
type File = (typeof FILES)[number];

const CACHES = 3;

const step = fc.record({
  kind: fc.constantFrom(
    ...(['write', 'write', 'write', 'write', 'commit', 'complete', 'complete', 'close writer'] as const),
    ...(['open', 'close', 'pin', 'unpin', 'clear', 'reopen'] as const),
  ),
  file: fc.nat(FILES.length - 1),
  cache: fc.nat(CACHES - 1),
  /** In chunks; of writing. */
  start: fc.nat(9),
  count: fc.integer({ min: 1, max: 12 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelBlob {
  contents: string;
  present: Set<number>;
}

interface OpenWriter {
  writer: BlobWriter;
  file: File;
  cache: number;
  /** What it fills; undefined for one that nobody sees before it is complete. */
  blob: ModelBlob | undefined;
  /** Chunks that it wrote and has not committed. */
  written: Set<number>;
}

interface OpenHandle {
  handle: BlobHandle;
  cache: number;
  blob: ModelBlob;
}

function blocksOf(file: File): number[] {
  return Array.from({ length: Math.ceil(file.size / MiB) }, (_, at) => at);
}

function chunksOf(file: File): number[] {
  return Array.from({ length: Math.ceil(file.size / CHUNK) }, (_, at) => at);
}

class Session {
  readonly folder = makeFolder();
  readonly caches: Cache[] = Array.from({ length: CACHES }, () => openCache(this.folder));
  readonly blobs = new Map<string, ModelBlob>();
  readonly pinned = new Set<string>();
  writers: OpenWriter[] = [];
  handles: OpenHandle[] = [];

  cache(at: number): Cache {
    const cache = this.caches[at];
    assert.ok(cache);
    return cache;
  }

  async take(step: Step): Promise<void> {
    const file = FILES[step.file];
    assert.ok(file);
    const open = this.writers.find(each => each.file === file && each.cache === step.cache);
    if (step.kind === 'write') await this.write(open ?? this.openWriter(file, step.cache), step);
    else if (step.kind === 'commit') open && (await this.commit(open));
    else if (step.kind === 'complete') open && (await this.complete(open));
    else if (step.kind === 'close writer') open && this.closeWriter(open);
    else if (step.kind === 'open') this.open(file, step.cache);
    else if (step.kind === 'close') this.handles.shift()?.handle.close();
    else if (step.kind === 'pin') this.pin(file, step.cache);
    else if (step.kind === 'unpin') this.unpin(file, step.cache);
    else if (step.kind === 'clear') this.clear(step.cache);
    else this.reopen(step.cache);
  }

  openWriter(file: File, cache: number): OpenWriter {
    const writer = this.cache(cache).writer(file.key, file.size);
    if (file.isLarge && !this.blobs.has(file.key))
      this.blobs.set(file.key, { contents: file.contents, present: new Set() });
    const open = { writer, file, cache, blob: this.blobs.get(file.key), written: new Set<number>() };
    this.writers.push(open);
    return open;
  }

  async write({ writer, file, written, blob }: OpenWriter, { start, count }: Step): Promise<void> {
    const chunks = chunksOf(file).filter(chunk => chunk >= start && chunk < start + count);
    const [first, last] = [chunks[0], chunks.at(-1)];
    if (first === undefined || last === undefined) return;
    const from = first * CHUNK;
    await writer.write(from, file.bytes.subarray(from, (last + 1) * CHUNK));
    for (const chunk of chunks) if (!blob?.present.has(chunk >> 1)) written.add(chunk);
  }

  async commit(open: OpenWriter): Promise<void> {
    const isWhole = await open.writer.commit();
    this.committed(open);
    const expected = open.blob
      ? open.blob.present.size === blocksOf(open.file).length
      : this.isAllWritten(open);
    // Others may have filled the rest without this writer having looked.
    if (isWhole || open.blob === undefined) assert.equal(isWhole, expected);
  }

  committed({ file, blob, written }: OpenWriter): void {
    if (blob === undefined) return;
    const last = chunksOf(file).length - 1;
    for (const block of blocksOf(file)) {
      const isFilled = written.has(2 * block) && (written.has(2 * block + 1) || 2 * block === last);
      if (isFilled) blob.present.add(block);
      if (isFilled) for (const chunk of [2 * block, 2 * block + 1]) written.delete(chunk);
    }
  }

  isAllWritten({ file, written }: OpenWriter): boolean {
    return chunksOf(file).every(chunk => written.has(chunk));
  }

  async complete(open: OpenWriter): Promise<void> {
    const { file, writer } = open;
    this.committed(open);
    const isDone = open.blob ? open.blob.present.size === blocksOf(file).length : this.isAllWritten(open);
    if (!isDone) {
      await assert.rejects(writer.complete(), FacetError);
      return;
    }
    const handle = await writer.complete();
    const twin = [...this.blobs.values()].find(blob => !file.isLarge && blob.contents === file.contents);
    const blob = open.blob ?? twin ?? { contents: file.contents, present: new Set(blocksOf(file)) };
    this.blobs.set(file.key, blob);
    this.handles.push({ handle, cache: open.cache, blob });
    this.closeWriter(open);
  }

  closeWriter(open: OpenWriter): void {
    open.writer.close();
    this.writers = this.writers.filter(each => each !== open);
  }

  open(file: File, cache: number): void {
    const handle = this.cache(cache).lookup(file.key, file.size);
    const blob = this.blobs.get(file.key);
    assert.equal(handle !== undefined || !blob?.present.size, true, `${file.key} is not found`);
    // Of a blob without blocks it does not matter whether it is found.
    if (handle && blob) this.handles.push({ handle, cache, blob });
    else handle?.close();
  }

  pin(file: File, cache: number): void {
    this.cache(cache).pin([file.key]);
    this.pinned.add(file.key);
  }

  unpin(file: File, cache: number): void {
    this.cache(cache).unpin([file.key]);
    this.pinned.delete(file.key);
  }

  clear(cache: number): void {
    this.cache(cache).clear();
    const stays = new Set([...this.handles, ...this.writers].map(({ blob }) => blob));
    for (const key of this.pinned) stays.add(this.blobs.get(key));
    for (const [key, blob] of this.blobs) if (!stays.has(blob)) this.blobs.delete(key);
  }

  reopen(cache: number): void {
    for (const open of this.writers.filter(each => each.cache === cache)) this.closeWriter(open);
    for (const { handle } of this.handles.filter(each => each.cache === cache)) handle.close();
    this.handles = this.handles.filter(each => each.cache !== cache);
    this.cache(cache).close();
    this.caches[cache] = openCache(this.folder);
  }

  /** Every file, as one of the caches sees it; with `inFull`, all its bytes. */
  assertAsKnown(at: number, inFull: boolean): void {
    for (const file of FILES) {
      const present = this.blobs.get(file.key)?.present ?? new Set();
      const handle = this.cache(at).lookup(file.key, file.size);
      for (const block of blocksOf(file)) {
        const [start, end] = [block * MiB, Math.min((block + 1) * MiB, file.size)];
        assert.equal(
          handle?.missing(start, end).length === 0,
          present.has(block),
          `${file.key}, block ${block}`,
        );
        const isRead = inFull || (at + block) % 5 === 0;
        if (!isRead || handle === undefined) continue;
        const expected = present.has(block) ? file.bytes.subarray(start, end) : undefined;
        assert.deepEqual(readRange(handle, start, end), expected);
      }
      handle?.close();
    }
  }

  end(): void {
    for (const cache of this.caches.keys()) this.reopen(cache);
    for (const cache of this.caches.keys()) this.assertAsKnown(cache, true);
    assertClean(this.cache(0));
    const kept = new Set([...this.blobs.values()].filter(blob => blob.present.size > 0));
    assert.ok(blobFilesIn(this.folder).length >= kept.size);
    for (const { key } of FILES) this.cache(0).unpin([key]);
    this.cache(0).clear();
    assert.deepEqual([blobFilesIn(this.folder), this.cache(0).status().bytes], [[], 0]);
  }

  remove(): void {
    for (const { handle } of this.handles) handle.close();
    for (const { writer } of this.writers) writer.close();
    for (const cache of this.caches) cache.close();
    removeFolder(this.folder);
  }
}

test('whatever happens, each block that was committed and not cleared is found, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async steps => {
      const session = new Session();
      try {
        for (const [at, step] of steps.entries()) {
          await session.take(step);
          session.assertAsKnown(at % CACHES, false);
        }
        session.end();
      } finally {
        session.remove();
      }
    }),
    runs(80),
  );
});
