/** What `facet cache` says and how it ends, as a user meets it. What the cache itself does is in `test/cache`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { contentsOf } from '../support/caches.js';
import { serveFolder, startServer } from '../support/file-server.js';
import { inPlace, type Place, users } from '../support/mounted.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

const user = users[0] ?? assert.fail();
const MB = 1_000_000;

/** A place whose source `web` is a web server with files of these sizes. */
async function atServer(
  context: TestContext,
  sizes: Record<string, number>,
  config: string,
  body: (place: Place) => Promise<void>,
): Promise<void> {
  const folder = temporaryFolder(context);
  for (const [name, size] of Object.entries(sizes)) writeFile(folder, name, contentsOf(name, size));
  const { url } = await startServer(context, serveFolder(folder));
  await inPlace(user, async place => {
    await place.done('index', 'add', 'web', `${url}/`);
    writeFileSync(join(place.home, 'config.yaml'), config);
    await place.done('index', 'scan');
    await body(place);
  });
}

async function cached(place: Place): Promise<string[]> {
  const lines = (await place.done('cache', 'ls', '--json')).split('\n').filter(line => line !== '');
  return lines.map(line => JSON.parse(line)).map(({ origin }) => origin.replace('web:', ''));
}

describe('facet cache warm', () => {
  const limits = 'cache: {minFree: 0, maxSize: 7MB}\n';
  const sizes = { a: 3 * MB, b: 3 * MB, c: 3 * MB, large: 9 * MB };

  it('refuses what is larger than the cache before anything goes for it', t =>
    atServer(t, sizes, limits, async place => {
      await place.done('cache', 'warm', '/web/a', '/web/b');
      const { status, stderr } = await place.facet('cache', 'warm', '/web/large');
      assert.equal(status, 4);
      assert.match(stderr, /web:large: 9\.0 MB are more than the 7\.0 MB that the cache has room for/);
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
});
