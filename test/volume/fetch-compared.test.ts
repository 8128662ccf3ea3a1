/** A large object comes in parts, none of which has a checksum: what they make together is compared with that of the whole. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { FileLocation } from '../../src/catalog/files.js';
import { addSource } from '../../src/indexing/add-source.js';
import { scan } from '../../src/indexing/scan.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { contentKey } from '../../src/volume/content-key.js';
import { fetchFile, readFile } from '../../src/volume/fetch.js';
import type { ByteRange } from '../../src/volume/range.js';
import { RemoteContents } from '../../src/volume/remote-contents.js';
import { Volume } from '../../src/volume/volume.js';
import { MiB, openCache, roomy } from '../support/caches.js';
import { everything } from '../support/catalogs.js';
import { CONTENTS, MD5, serveOneObject } from '../support/one-object.js';
import { untilCommitted } from '../support/remote-fake.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A bucket with one object, and a folder to fetch it to. */
async function setUp(context: TestContext, tag: string) {
  const folder = temporaryFolder(context);
  const server = await serveOneObject(context, tag);
  const catalog = openCatalog(join(folder, 'catalog.db'));
  const remote = { endpoint: server.url, anonymous: true };
  const source = addSource(catalog, 's', 's3://b', { ...everything, remote });
  await scan(catalog, source);
  const volume = new Volume(join(folder, 'catalog.db'));
  const directory = join(folder, 'cache');
  const damaged: string[] = [];
  const onDamaged = ({ name }: FileLocation) => damaged.push(name);
  const stop = new AbortController();
  const settings = { directory, limits: roomy, mounts: [], onDamaged, signal: stop.signal };
  const contents = new RemoteContents(catalog.sources, settings);
  context.after(async () => {
    await contents.close();
    volume.close();
    catalog.close();
  });
  const record = volume.files.find(source.id, 'film') ?? assert.fail();
  const to = { folder: join(folder, 'out'), relative: 'film' };
  const options = { force: false, signal: new AbortController().signal, onBytes: () => {} };
  return {
    server,
    fetch: () => fetchFile(volume, record, to, options, async () => contents),
    there: () => readdirSync(to.folder),
    isRight: () => readFileSync(join(to.folder, 'film')).equals(CONTENTS),
    damaged,
    stop,
    directory,
    contents,
    record,
    read: (range?: ByteRange) => readFile(volume, record, range, options.signal, async () => contents),
    warm: async () => contents.downloads.ensure(await contents.contentOf(record), 0, CONTENTS.length),
  };
}

test('a large object that comes damaged is an error, and nothing is left of it', async t => {
  const { server, fetch, there, isRight } = await setUp(t, MD5);
  server.isSound = false;
  await assert.rejects(fetch(), { code: 'integrity', message: /film has another checksum/ });
  assert.deepEqual(there(), []);
  server.isSound = true;
  await fetch();
  assert.ok(isRight());
});

test('an entity tag of an upload in parts is no checksum', async t => {
  const { server, fetch, isRight } = await setUp(t, MD5.replace(/"$/, '-2"'));
  await fetch();
  assert.ok(isRight());
  assert.equal(server.heads, 1);
});

test('nobody is asked for a checksum of what is cached as a whole', async t => {
  const { server, fetch, isRight, warm } = await setUp(t, MD5);
  await warm();
  server.isAway = true;
  await fetch();
  assert.ok(isRight());
});

async function readAll(pieces: AsyncIterable<Buffer>, into: Buffer[]): Promise<Buffer> {
  for await (const piece of pieces) into.push(Buffer.from(piece));
  return Buffer.concat(into);
}

test('what is read as a whole is an error behind its last byte when it was damaged', async t => {
  const { server, read, warm, damaged } = await setUp(t, MD5);
  server.isSound = false;
  let times = 0;
  for (const range of [undefined, { start: 0, end: undefined }]) {
    const pieces: Buffer[] = [];
    await assert.rejects(readAll(read(range), pieces), { code: 'integrity' });
    assert.equal(Buffer.concat(pieces).length, CONTENTS.length);
    times++;
    await untilCommitted(() => damaged.length === times);
  }
  server.isSound = true;
  assert.equal((await readAll(read({ start: 5, end: 9 }), [])).length, 5);
  assert.ok((await readAll(read(), [])).equals(CONTENTS));
  await warm();
  server.isAway = true;
  assert.ok((await readAll(read(), [])).equals(CONTENTS), 'it is in the cache');
});

test('damaged contents do not get into the cache as a whole', async t => {
  const { server, warm, damaged } = await setUp(t, MD5);
  server.isSound = false;
  await assert.rejects(warm(), { code: 'integrity' });
  assert.deepEqual(damaged, ['film']);
  server.isSound = true;
  await warm();
  assert.equal(server.heads, 2);
});

test('what was read in parts is compared when the last of them is there, and forgotten when it is damaged', async t => {
  const { server, contents, record, damaged } = await setUp(t, MD5);
  const { downloads } = contents;
  const half = 4 * MiB;
  const bytes = async (start: number, end: number) =>
    downloads.read(await contents.contentOf(record), start, end);
  server.isSound = false;
  await downloads.ensure(await contents.contentOf(record), half, CONTENTS.length);
  assert.equal(server.heads, 0);
  server.isSound = true;
  await bytes(0, half);
  await untilCommitted(() => damaged.length > 0);
  assert.ok((await bytes(0, CONTENTS.length)).equals(CONTENTS), 'it comes from its source again');
});

test('what cannot be compared because nobody tells the checksum is kept', async t => {
  const { server, warm, read } = await setUp(t, MD5);
  server.onHead = 'refuse';
  await warm();
  server.isAway = true;
  assert.ok((await readAll(read(), [])).equals(CONTENTS));
});

test('contents that are being compared when a process is stopped are not kept as a whole', async t => {
  const { server, contents, record, directory, warm, stop } = await setUp(t, MD5);
  server.onHead = 'say nothing';
  const warming = warm();
  warming.catch(() => {});
  await untilCommitted(() => server.heads === 1);
  stop.abort();
  await contents.close();
  await warming.catch(() => {});
  const cache = openCache(directory);
  t.after(() => cache.close());
  assert.equal(cache.isWhole(contentKey(record), CONTENTS.length), false);
});
