/** What `facet cache` says and how it ends, as a user meets it. What the cache itself does is in `test/cache`. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { contentsOf, sha256 } from '../support/caches.js';
import { serveFolder, startServer } from '../support/file-server.js';
import { inPlace, type Place, users } from '../support/mounted.js';
import { leave, needsRoot, smallDisk } from '../support/small-disk.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

const user = users[0] ?? assert.fail();
const MB = 1_000_000;

/** A place whose source `web` is a web server with files of these sizes. */
async function atServer(
  context: TestContext,
  sizes: Record<string, number>,
  config: string,
  body: (place: Place, folder: string) => Promise<void>,
): Promise<void> {
  const folder = temporaryFolder(context);
  for (const [name, size] of Object.entries(sizes)) writeFile(folder, name, contentsOf(name, size));
  const { url } = await startServer(context, serveFolder(folder));
  await inPlace(user, async place => {
    await place.done('index', 'add', 'web', `${url}/`);
    writeFileSync(join(place.home, 'config.yaml'), config);
    await place.done('index', 'scan');
    await body(place, folder);
  });
}

async function cached(place: Place): Promise<string[]> {
  const lines = (await place.done('cache', 'ls', '--json')).split('\n').filter(line => line !== '');
  return lines.map(line => JSON.parse(line)).map(({ origin }) => origin.replace('web:', ''));
}

describe('a cache whose index is damaged', () => {
  it('is a warning to who can do without it, and an error to who cannot', t =>
    atServer(t, { a: 3 * MB }, '', async place => {
      writeFile(place.home, 'cache/index.db', 'this is no database. '.repeat(1000));
      const warning =
        /warning: the cache .* has a damaged index .*; everything comes from its source.*\nhint: move/;
      const to = join(place.home, 'copy');
      const { status, stderr } = await place.facet('fetch', '/web/a', '-o', to);
      assert.equal(status, 0);
      assert.match(stderr, warning);
      assert.ok(readFileSync(to).equals(contentsOf('a', 3 * MB)));
      const streamed = await place.facet('fetch', '/web/a', '--stdout', '--range', '0-9');
      assert.equal(streamed.stdout.length, 10);
      for (const command of [
        ['fetch', '/web/a', '--cache-only', '--stdout'],
        ['cache', 'warm', '/web/a'],
      ]) {
        const refused = await place.facet(...command);
        assert.equal(refused.status, 6);
        assert.match(refused.stderr, /^facet: the cache .* has a damaged index/);
      }
    }));
});

describe('facet cache warm', { concurrency: 2 }, () => {
  const limits = 'cache: {minFree: 0, maxSize: 7MB}\n';
  const sizes = { a: 3 * MB, b: 3 * MB, c: 3 * MB, large: 9 * MB };

  it('refuses what is larger than the cache before anything goes for it', t =>
    atServer(t, sizes, limits, async place => {
      await place.done('cache', 'warm', '/web/a', '/web/b');
      const { status, stderr } = await place.facet('cache', 'warm', '/web/large');
      assert.equal(status, 1);
      assert.match(stderr, /web:large has 9\.0 MB, more than the 7\.0 MB that the cache has room for/);
      assert.match(stderr, /hint: raise cache\.maxSize/);
      assert.deepEqual(await cached(place), ['a', 'b']);
    }));

  it('lets nothing go that it has brought, and says what it left out', t =>
    atServer(t, sizes, limits, async place => {
      const { status, stdout, stderr } = await place.facet('cache', 'warm', '/web', '--json');
      assert.equal(status, 4);
      assert.deepEqual(JSON.parse(stdout), { files: 2, failed: 2 });
      assert.match(stderr, /left out 1 file, 3\.0 MB/);
      assert.deepEqual(await cached(place), ['a', 'b']);
    }));

  it('counts what is pinned, once', t =>
    atServer(t, sizes, limits, async place => {
      await place.done('cache', 'pin', '/web/c');
      await place.done('cache', 'warm', '/web/c');
      assert.match((await place.facet('cache', 'warm', '/web/a', '/web/b')).stderr, /left out 1 file/);
      assert.deepEqual(await cached(place), ['a', 'c']);
      const { stdout } = await place.facet('cache', 'warm', '/web/b', '/web/a', '/web/c', '--json');
      assert.deepEqual(JSON.parse(stdout), { files: 2, failed: 1 });
      assert.equal((await cached(place)).length, 2);
    }));

  it('brings equal contents once, and leaves room for others', t =>
    atServer(t, { a: 3 * MB, b: 3 * MB, copy: 3 * MB, large: 9 * MB }, limits, async (place, folder) => {
      const bytes = contentsOf('a', 3 * MB);
      writeFileSync(join(folder, 'copy'), bytes);
      await place.done('index', 'scan');
      const catalog = openCatalog(join(place.home, 'catalog.db'));
      catalog.write(writer => {
        for (const name of ['a', 'copy']) {
          const file = catalog.files.find(catalog.sources.get('web').id, name) ?? assert.fail(name);
          writer.setHash(file, sha256(bytes));
        }
      });
      catalog.close();
      const { stdout } = await place.facet('cache', 'warm', '/web', '--json');
      assert.deepEqual(JSON.parse(stdout), { files: 3, failed: 1 });
      assert.deepEqual(await cached(place), ['a', 'b', 'copy']);
    }));

  it('fails in one message where the cache has no room to be opened', { skip: needsRoot }, t =>
    atServer(t, { a: MB }, '', async place => {
      const disk = smallDisk(t, 4);
      const directory = join(place.home, 'cache');
      rmSync(directory, { recursive: true });
      symlinkSync(disk, directory);
      await place.done('cache', 'pin', '/web/a');
      leave(disk, 0);
      const { status, stderr } = await place.facet('cache', 'warm', '/web/a');
      assert.equal(status, 1);
      assert.match(stderr, /^facet: the cache \S+ cannot grow: its disk is full .*\nhint: .*\n$/);
    }),
  );

  it('ends as facet fetch does: with the error of all files, or with that of some of several', t =>
    atServer(t, sizes, '', async (place, folder) => {
      const paths = ['/web/a', '/web/b', '/web/c'];
      for (const name of ['a', 'b']) rmSync(join(folder, name));
      for (const [count, status] of [
        [1, 3],
        [2, 3],
        [3, 4],
      ] as const) {
        const wanted = paths.slice(0, count);
        assert.equal((await place.facet('cache', 'warm', ...wanted)).status, status);
        assert.equal((await place.facet('fetch', ...wanted, '-o', `${place.base}/`)).status, status);
      }
    }));
});

describe('what is pinned', () => {
  it('is unpinned with its source', t =>
    atServer(t, { a: MB, b: MB }, '', async place => {
      await place.done('cache', 'pin', '/web/a', '/web/b');
      await place.done('cache', 'warm', '/web/a');
      await place.done('index', 'rm', 'web');
      const cleared = JSON.parse(await place.done('cache', 'clear', '--json'));
      assert.equal(cleared.blobs, 1);
      assert.equal(cleared.kept, 0);
    }));
});

describe('what is pinned of files that are gone from their source', () => {
  it('is shown, and can be unpinned, and nothing else with it', t =>
    atServer(t, { a: MB, b: MB, c: MB, stays: MB }, '', async (place, folder) => {
      await place.done('cache', 'pin', '/web');
      await place.done('cache', 'warm', '/web/a', '/web/stays');
      for (const name of ['a', 'b']) rmSync(join(folder, name));
      await place.done('index', 'scan');
      const listed = async (...args: string[]) => {
        const lines = (await place.done('cache', 'ls', '--json', ...args)).trim().split('\n');
        return lines.map(line => JSON.parse(line)).map(({ origin, size, gone }) => [origin, size, gone]);
      };
      assert.deepEqual(await listed(), [
        ['web:a', MB, true],
        ['web:stays', MB, false],
      ]);
      assert.deepEqual(await listed('--pinned'), [
        ['web:a', MB, true],
        ['web:stays', MB, false],
        ['web:b', null, true],
        ['web:c', null, false],
      ]);
      assert.match(await place.done('cache', 'ls', '--pinned'), /^ +nothing {2}web:b {2}\(pinned, gone\)$/m);
      assert.match(await place.done('cache', 'status'), /4 files pinned/);
      assert.match((await place.facet('cache', 'unpin', '/web/a')).stderr, /hint: .*unpin --gone/);
      assert.equal((await place.facet('cache', 'unpin', '--gone', '/web')).status, 2);
      assert.equal(await place.done('cache', 'unpin', '--gone'), 'unpinned 2 files\n');
      assert.deepEqual(await listed('--pinned'), [
        ['web:stays', MB, false],
        ['web:c', null, false],
      ]);
      assert.equal(JSON.parse(await place.done('cache', 'clear', '--json')).blobs, 1);
    }));
});

describe('a scan of several sources of which none can be scanned', () => {
  it('ends with their reason when it is one, and otherwise with that of some of several', async t => {
    const { url } = await startServer(t, (request, response) => {
      response.writeHead(request.url?.startsWith('/gone') ? 404 : 403).end();
    });
    await inPlace(user, async place => {
      const status = async () => (await place.facet('index', 'scan')).status;
      for (const name of ['gone1', 'gone2']) await place.done('index', 'add', name, `${url}/${name}/`);
      assert.equal(await status(), 3);
      await place.done('index', 'add', 'closed', `${url}/closed/`);
      assert.equal(await status(), 4);
    });
  });
});
