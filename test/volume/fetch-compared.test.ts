/** A large object comes in parts, none of which has a checksum: what `fetch` has put together is compared with that of the whole. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { addSource } from '../../src/indexing/add-source.js';
import { scan } from '../../src/indexing/scan.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { fetchFile } from '../../src/volume/fetch.js';
import { RemoteContents } from '../../src/volume/remote-contents.js';
import { Volume } from '../../src/volume/volume.js';
import { contentsOf, MiB, roomy } from '../support/caches.js';
import { everything } from '../support/catalogs.js';
import { startServer } from '../support/file-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CONTENTS = contentsOf('film', 9 * MiB + 1);
const MD5 = `"${createHash('md5').update(CONTENTS).digest('hex')}"`;
const listing = (tag: string) =>
  `<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>film</Key><Size>${CONTENTS.length}</Size>` +
  `<ETag>${tag}</ETag><LastModified>2024-05-01T10:00:00.000Z</LastModified></Contents></ListBucketResult>`;

/** A bucket with one object, of which every answer or none is damaged, and a folder to fetch it to. */
async function setUp(context: TestContext, tag: string) {
  const folder = temporaryFolder(context);
  const server = { isSound: true, isAway: false, heads: 0 };
  const { url } = await startServer(context, (request, response) => {
    if (server.isAway) return void response.socket?.destroy();
    if (request.url?.includes('list-type')) return void response.end(listing(tag));
    const [, start = '0', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const body = Buffer.from(CONTENTS.subarray(Number(start), Number(last) + 1));
    if (request.method === 'HEAD') server.heads++;
    if (!server.isSound) body[5] = (body[5] ?? 0) ^ 1;
    const length = last === '' ? CONTENTS.length : body.length;
    const range = last === '' ? {} : { 'content-range': `bytes ${start}-${last}/${CONTENTS.length}` };
    response.writeHead(last === '' ? 200 : 206, { etag: tag, 'content-length': length, ...range }).end(body);
  });
  const catalog = openCatalog(join(folder, 'catalog.db'));
  const remote = { endpoint: url, anonymous: true };
  const source = addSource(catalog, 's', 's3://b', { ...everything, remote });
  await scan(catalog, source);
  const volume = new Volume(join(folder, 'catalog.db'));
  const directory = join(folder, 'cache');
  const contents = new RemoteContents(catalog.sources, { directory, limits: roomy, mounts: [] });
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

test('an entity tag that is made of parts is not compared', async t => {
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
