/**
 * Random readers of a few files, with cancellations, errors, new versions and full disks, and a network that delivers chunks
 * in any order: every byte is right, nothing is requested twice at a time, memory is bounded, and nothing is left over.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { FacetError } from '../../src/errors.js';
import type { BlobStore, RemoteContent } from '../../src/volume/blob.js';
import { CacheStore } from '../../src/volume/cached-blob.js';
import { Downloader } from '../../src/volume/download.js';
import type { Follower } from '../../src/volume/follower.js';
import { openCache } from '../support/caches.js';
import { runs } from '../support/random.js';
import {
  bytesAt,
  MemoryStore,
  MIB,
  RemoteFake,
  remoteFile,
  settle,
  untilCommitted,
} from '../support/remote-fake.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';

const SIZES = [6 * MIB + 12_345, 20 * MIB, 70_000];
const BUDGET = 10 * MIB;
const PARTS = { parallel: 3, partSize: 2 * MIB, budget: BUDGET };

const range = {
  file: fc.nat(SIZES.length - 1),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof(fc.nat(5000), fc.nat(3 * MIB), fc.constant(50 * MIB)),
};
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('read' as const), ...range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ensure' as const), ...range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stream' as const), ...range }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('hint' as const), ...range }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(20) }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('deliver' as const), chunks: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('break' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const), file: range.file }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const), full: fc.boolean() }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type Ranged = Extract<Operation, { at: number }>;

interface Held {
  go: () => void;
  fail: (error: Error) => void;
}

interface Pending {
  abort: AbortController;
  done: Promise<void>;
}

const CAUSES = ['AbortError', 'content-changed', 'unreachable', 'no-space'];

class World {
  readonly held: Held[] = [];
  readonly source = new RemoteFake(() => this.#hold(), 256 * 1024);
  readonly files = SIZES.map((size, at) => remoteFile(this.source, size, `file ${at}`));
  readonly pending: Pending[] = [];
  readonly changed: RemoteContent[] = [];
  readonly followers = new Map<number, Follower>();
  readonly downloader: Downloader;
  readonly memory: MemoryStore | undefined;
  #free = false;

  constructor(cache: BlobStore) {
    this.memory = cache instanceof MemoryStore ? cache : undefined;
    this.downloader = new Downloader({ cache, onChanged: file => void this.changed.push(file), ...PARTS });
  }

  #hold(): Promise<void> | undefined {
    if (this.#free) return undefined;
    return new Promise((go, fail) => void this.held.push({ go, fail }));
  }

  #range({ file, at, length }: Ranged) {
    const content = this.files[file] ?? assert.fail();
    const start = Math.floor(at * content.size);
    return { content, start, end: Math.min(start + length, content.size) };
  }

  #start(work: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    const done = work(abort.signal).catch((error: Error) => {
      const cause = error instanceof FacetError ? error.code : error.name;
      assert.ok(CAUSES.includes(cause), error.stack);
    });
    this.pending.push({ abort, done });
  }

  async run(operation: Operation): Promise<void> {
    this.#apply(operation);
    await settle(2);
    const { bytesUnderWay } = this.downloader.counts;
    assert.ok(bytesUnderWay <= BUDGET, `${bytesUnderWay} bytes under way`);
    const asked = this.source.underWay.reduce((sum, each) => sum + each.end - each.start - each.sent, 0);
    assert.ok(asked <= bytesUnderWay, `${asked} bytes requested, ${bytesUnderWay} counted`);
    assert.equal(this.source.doubled, 0);
  }

  #apply(operation: Operation): void {
    if (operation.kind === 'read') this.#read(operation);
    else if (operation.kind === 'stream') this.#stream(operation);
    else if (operation.kind === 'hint') this.#hint(operation);
    else if (operation.kind === 'deliver')
      for (const each of this.held.splice(0, operation.chunks)) each.go();
    else if (operation.kind === 'change') this.#change(operation.file);
    else if (operation.kind === 'fill' && this.memory) this.memory.full = operation.full;
    else if (operation.kind === 'cancel') this.pending[operation.which]?.abort.abort();
    else if (operation.kind === 'break') this.#break(operation.which);
    else if (operation.kind === 'ensure') {
      const { content, start, end } = this.#range(operation);
      this.#start(signal => this.downloader.ensure(content, start, end, { signal }));
    }
  }

  #read(operation: Ranged): void {
    const { content, start, end } = this.#range(operation);
    this.#start(async signal => {
      assertRight(await this.downloader.read(content, start, end, signal), content, start, end);
    });
  }

  #stream(operation: Ranged): void {
    const { content, start, end } = this.#range(operation);
    this.#start(async signal => {
      const pieces: Buffer[] = [];
      for await (const piece of this.downloader.stream(content, start, end, signal)) pieces.push(piece);
      assertRight(Buffer.concat(pieces), content, start, end);
    });
  }

  #hint(operation: Ranged): void {
    const { content, start, end } = this.#range(operation);
    const follower = this.followers.get(operation.file) ?? this.downloader.follow(content);
    this.followers.set(operation.file, follower);
    follower.onRead(start, end - start);
  }

  #break(which: number): void {
    const [held] = this.held.splice(which, 1);
    held?.fail(new FacetError('unreachable', 'the cable was cut'));
  }

  /** From now on the source has another version; the catalog learns of it a little later. */
  #change(file: number): void {
    const { place, size, version } = this.files[file] ?? assert.fail();
    const next = `${version}'`;
    this.source.versions.set(place.path, next);
    this.files[file] = remoteFile(this.source, size, place.path, next);
  }

  /** Everything comes to its end by itself, once the network delivers. */
  async finish(): Promise<void> {
    this.#free = true;
    for (const each of this.held.splice(0)) each.go();
    await Promise.all(this.pending.map(({ done }) => done));
    for (const follower of this.followers.values()) follower.close();
    await settle();
    await untilCommitted(() => (this.memory?.handles ?? this.downloader.counts.bytesUnderWay) === 0);
    const { underWay, bytesUnderWay, waiting } = this.downloader.counts;
    assert.deepEqual({ underWay, bytesUnderWay, waiting }, { underWay: 0, bytesUnderWay: 0, waiting: 0 });
    assert.equal(this.source.underWay.length, 0);
    assert.equal(this.memory?.handles ?? 0, 0);
    assert.equal(new Set(this.changed).size, this.changed.length);
    await this.downloader.close();
    for (const { abort } of this.pending) assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  }
}

function assertRight(bytes: Buffer, { place, version }: RemoteContent, start: number, end: number): void {
  assert.equal(bytes.length, end - start);
  assert.equal(
    Buffer.compare(bytes, bytesAt(place.path, version, start, end)),
    0,
    `${place.path} at ${start}`,
  );
}

const operations = fc.array(operation, { minLength: 1, maxLength: 60 });

async function live(cache: BlobStore, story: readonly Operation[]): Promise<void> {
  const world = new World(cache);
  for (const each of story) await world.run(each);
  await world.finish();
}

test('random readers of a cache in memory', async () => {
  await fc.assert(
    fc.asyncProperty(operations, story => live(new MemoryStore(), story)),
    runs(150),
  );
});

test('random readers of the cache on disk, large and small, with room for some of it', async () => {
  const property = fc.asyncProperty(
    operations,
    fc.constantFrom(MIB + 1, 10 * MIB),
    async (story, blockThreshold) => {
      const folder = makeFolder();
      const cache = openCache(folder, { blockThreshold, maxSize: 30 * MIB });
      try {
        await live(new CacheStore(() => cache, new AbortController().signal), story);
        assert.deepEqual(
          [...cache.verify()].flatMap(({ problems }) => problems),
          [],
        );
      } finally {
        cache.close();
        removeFolder(folder);
      }
    },
  );
  await fc.assert(property, runs(30));
});
