/** Remote files are read whatever becomes of the directory of the cache, and kept there as soon as that is possible. */
import assert from 'node:assert/strict';
import { chmodSync, closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LastingCache } from '../../src/cache/lasting-cache.js';
import { addSource } from '../../src/indexing/add-source.js';
import { scan } from '../../src/indexing/scan.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { openContents } from '../../src/volume/contents.js';
import { RemoteContents } from '../../src/volume/remote-contents.js';
import { Volume } from '../../src/volume/volume.js';
import {
  assertClean,
  blobFilesIn,
  contentsOf,
  get,
  keysIn,
  MiB,
  openCache,
  openFiles,
  put,
  readRange,
  roomy,
} from '../support/caches.js';
import { everything } from '../support/catalogs.js';
import { serveFolder, startServer } from '../support/file-server.js';
import { isNoSpace, leave, needsRoot, smallDisk } from '../support/small-disk.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

const SIZE = 3 * MiB;

/** A web server with files of `SIZE`, and a process that reads them through the cache in a directory. */
async function setUp(context: TestContext, directory: string, names: readonly string[]) {
  const folder = temporaryFolder(context);
  for (const name of names) writeFile(folder, `www/${name}`, contentsOf(name, SIZE));
  const { url } = await startServer(context, serveFolder(join(folder, 'www')));
  const catalog = openCatalog(join(folder, 'catalog.db'));
  const source = addSource(catalog, 'web', `${url}/`, everything);
  await scan(catalog, source);
  const volume = new Volume(join(folder, 'catalog.db'));
  const problems: unknown[] = [];
  const remote = new RemoteContents(catalog.sources, {
    directory,
    limits: roomy,
    mounts: [],
    signal: new AbortController().signal,
    onUncached: error => void problems.push(error),
  });
  context.after(async () => {
    await remote.close();
    volume.close();
    catalog.close();
  });
  const recordOf = (name: string) => volume.files.find(source.id, name) ?? assert.fail(name);
  return {
    problems,
    async read(name: string): Promise<void> {
      const contents = await openContents(volume, recordOf(name), async () => remote);
      const bytes = await buffer(Readable.from(contents.pieces(0, contents.size)));
      contents.close();
      assert.ok(bytes.equals(contentsOf(name, SIZE)));
    },
    async ensure(name: string): Promise<void> {
      await remote.downloads.ensure(await remote.contentOf(recordOf(name)), 0, SIZE);
    },
  };
}

test('a full disk on which nothing may go', { skip: needsRoot }, async t => {
  const directory = join(smallDisk(t, 16), 'cache');
  const cache = openCache(directory);
  await put(cache, 'pinned', SIZE);
  cache.pin(['pinned']);
  cache.close();
  const filler = leave(join(directory, '..'), 0);
  const { read, ensure, problems } = await setUp(t, directory, ['a', 'b']);
  await read('a');
  assert.equal(problems.length, 1, 'it is told once');
  assert.ok(problems.every(isNoSpace));
  await assert.rejects(ensure('a'), isNoSpace);

  rmSync(filler);
  const later = performance.now() + 10_000;
  t.mock.method(performance, 'now', () => later);
  await ensure('b');
  const reading = openCache(directory, {}, 'brief');
  assert.equal(keysIn(reading).length, 2);
  reading.close();
});

test('a directory that is removed', async t => {
  const directory = join(temporaryFolder(t), 'cache');
  const { read, ensure } = await setUp(t, directory, ['a', 'b', 'c']);
  await ensure('a');
  rmSync(directory, { recursive: true });
  // Until it is noticed nothing is kept, and everything is read.
  await read('b');

  const later = performance.now() + 10_000;
  t.mock.method(performance, 'now', () => later);
  await ensure('a');
  await ensure('c');
  const cache = openCache(directory);
  assert.equal(keysIn(cache).filter(key => cache.isWhole(key, SIZE)).length, 2);
  assertClean(cache);
  cache.close();
});

test('a removed cache leaves nothing in the one that takes its place', async t => {
  const directory = join(temporaryFolder(t), 'cache');
  const removed = openCache(directory);
  await put(removed, 'a', SIZE);
  assert.equal(removed.isRemoved(), false);
  rmSync(directory, { recursive: true });
  assert.equal(removed.isRemoved(), true);
  const cache = openCache(directory);
  assert.throws(() => removed.writer('b', SIZE), { code: 'failed' });
  assert.deepEqual(get(removed, 'a', SIZE), undefined);
  removed.close();
  await put(cache, 'c', SIZE);
  assert.deepEqual(blobFilesIn(directory).length, 1);
  assertClean(cache);
  cache.close();
});

test('a removed cache is closed once nothing in it is open', async t => {
  const directory = join(temporaryFolder(t), 'cache');
  const lasting = new LastingCache(() => openCache(directory));
  await put(lasting.get(), 'a', SIZE);
  const handles = [lasting.get().lookup('a', SIZE) ?? assert.fail()];
  rmSync(directory, { recursive: true });
  const later = performance.now() + 10_000;
  t.mock.method(performance, 'now', () => later);
  await put(lasting.get(), 'b', SIZE);
  assert.ok(readRange(handles[0] ?? assert.fail())?.equals(contentsOf('a', SIZE)));
  handles.pop()?.close();
  const removed = join(directory, 'index.db (deleted)');
  await untilCollected(() => !openFiles().includes(removed));
  lasting.close();
});

/** Whoever has no reference any more is collected, sooner or later. */
async function untilCollected(isSo: () => boolean): Promise<void> {
  setFlagsFromString('--expose-gc');
  for (let turn = 0; turn < 100 && !isSo(); turn++) {
    runInNewContext('gc')();
    await new Promise(setImmediate);
  }
  assert.ok(isSo());
}

test('a cache of which nobody may see whether it is there', t => {
  const folder = temporaryFolder(t);
  const cache = openCache(join(folder, 'cache'));
  chmodSync(folder, 0);
  process.seteuid?.(65_534);
  try {
    assert.throws(() => cache.isRemoved(), { name: 'FacetError', code: 'denied' });
  } finally {
    process.seteuid?.(0);
    chmodSync(folder, 0o700);
  }
  cache.close();
});

test('an index that becomes damaged', async t => {
  const directory = join(temporaryFolder(t), 'cache');
  const cache = openCache(directory);
  await put(cache, 'k', SIZE);
  cache.close();
  const { read } = await setUp(t, directory, ['a', 'b']);
  const index = openSync(join(directory, 'index.db'), 'r+');
  writeSync(index, Buffer.alloc(fstatSync(index).size - 4096, 0xff), 0, undefined, 4096);
  closeSync(index);
  await read('a');
  await read('b');
});

test('an index that was damaged before, until its directory is moved away', async t => {
  const directory = join(temporaryFolder(t), 'cache');
  writeFile(directory, 'index.db', 'this is no database. '.repeat(1000));
  const { read, ensure, problems } = await setUp(t, directory, ['a', 'b']);
  await read('a');
  assert.equal(problems.length, 1, 'it is told once');
  await assert.rejects(ensure('a'), { code: 'integrity' });

  renameSync(directory, `${directory}.bad`);
  const later = performance.now() + 10_000;
  t.mock.method(performance, 'now', () => later);
  await ensure('b');
});
