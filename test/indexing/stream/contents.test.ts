/** Where the contents come from of the files that a Redis tells of. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { addSource } from '../../../src/indexing/add-source.js';
import { scan } from '../../../src/indexing/scan.js';
import { openCatalog } from '../../../src/tree/open-catalog.js';
import { openContents } from '../../../src/volume/contents.js';
import { RemoteContents } from '../../../src/volume/remote-contents.js';
import { Volume } from '../../../src/volume/volume.js';
import { everything } from '../../support/catalogs.js';
import { serveFolder, startServer } from '../../support/file-server.js';
import { publish, startRedis } from '../../support/redis.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';

interface Library {
  /** What a reader of `path` of the source `media` gets. */
  read(path: string): Promise<string>;
}

/** A Redis that tells of files of the source `files`. */
async function library(context: TestContext, uri: string): Promise<Library> {
  const folder = temporaryFolder(context);
  const catalog = openCatalog(join(folder, 'catalog.db'));
  context.after(() => catalog.close());
  addSource(catalog, 'files', uri, everything);
  const redis = await startRedis(context);
  await publish(redis.client, 'a', { filePath: 'in/Dune.mkv', size: 4 });
  await publish(redis.client, 'b', { filePath: 'gone.mkv', size: 4 });
  const media = addSource(catalog, 'media', redis.uri, { ...everything, stream: { contents: 'files' } });
  await scan(catalog, media);
  const volume = new Volume(join(folder, 'catalog.db'));
  context.after(() => volume.close());
  const limits = { maxSize: 1e9, minFree: 0, maxAge: 1e9 };
  const remote = new RemoteContents(catalog.sources, {
    directory: join(folder, 'cache'),
    limits,
    mounts: [],
    signal: new AbortController().signal,
  });
  context.after(() => remote.close());
  return {
    async read(path) {
      const record = volume.files.find(media.id, path) ?? assert.fail(path);
      const contents = await openContents(volume, record, async () => remote);
      try {
        return await text(Readable.from(contents.pieces(0, contents.size)));
      } finally {
        contents.close();
      }
    },
  };
}

test('another folder that is a source', async context => {
  const folder = temporaryFolder(context);
  writeFile(folder, 'in/Dune.mkv', 'dune');
  const { read } = await library(context, folder);
  assert.equal(await read('in/Dune.mkv'), 'dune');
  await assert.rejects(read('gone.mkv'), { code: 'not-found' });
});

test('a source that is reached over the network', async context => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'in'));
  writeFile(folder, 'in/Dune.mkv', 'dune');
  const { url } = await startServer(context, serveFolder(folder));
  const { read } = await library(context, `${url}/`);
  assert.equal(await read('in/Dune.mkv'), 'dune');
  await assert.rejects(read('gone.mkv'), { code: 'not-found' });
});

test('a stream has no contents for another one, and nothing has them twice', async context => {
  const redis = await startRedis(context);
  const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'));
  context.after(() => catalog.close());
  const files = temporaryFolder(context);
  const add = (name: string, stream: object) =>
    addSource(catalog, name, redis.uri, { ...everything, stream });
  add('media', { files });
  assert.throws(() => add('more', { contents: 'media' }), {
    code: 'usage',
    message: 'media has no contents of its own',
  });
  assert.throws(() => add('more', { contents: 'nobody' }), { code: 'not-found' });
  assert.throws(() => add('more', { contents: 'media', files }), { code: 'usage' });
  assert.throws(() => addSource(catalog, 'more', files, { ...everything, stream: { keyPrefix: 'x' } }), {
    code: 'usage',
  });
});
