/** A Redis as a source, from the command line to the mount. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { inPlace, until, users } from '../support/mounted.js';
import { publish, startRedis } from '../support/redis.js';

const user = users.at(-1) ?? assert.fail();

test('a mount follows a Redis, and reads the files it tells of', async context => {
  const { client, uri } = await startRedis(context);
  await publish(client, 'a', { filePath: 'in/Dune.mkv', size: 4, mtime: 1_700_000_000 });
  await inPlace(user, async place => {
    place.write('in/Dune.mkv', 'dune');
    place.write('in/Alien.mkv', 'alien, longer than Redis says');
    place.give();
    await place.done('index', 'add', 'media', uri, '--files', place.source);
    const mounted = await place.mount();
    const at = (path: string) => join(place.mountpoint, 'media', path);
    const list = async (folder: string) => (await place.run('ls', [at(folder)])).stdout;
    await until('the first file is there', async () => (await list('in')) === 'Dune.mkv\n');
    assert.equal(await place.output('cat', at('in/Dune.mkv')), 'dune');
    await publish(client, 'b', { filePath: 'in/Alien.mkv', size: 5 });
    await publish(client, 'c', { filePath: 'in/gone.mkv' });
    await until('the others are', async () => (await list('in')) === 'Alien.mkv\nDune.mkv\ngone.mkv\n');
    assert.equal(await place.output('cat', at('in/Alien.mkv')), 'alien, longer than Redis says');
    assert.match((await place.run('cat', [at('in/gone.mkv')])).stderr, /No such file/);
    await publish(client, 'a', { filePath: 'films/Dune.mkv' });
    await until('it has moved', async () => (await list('films')) === 'Dune.mkv\n');
    assert.match((await place.facet('fetch', '/media/in/gone.mkv', '--stdout')).stderr, /gone.mkv/);
    const [line = ''] = (await place.done('index', 'stats', 'media', '--json')).split('\n');
    const { stream, ...counts } = JSON.parse(line);
    assert.deepEqual([counts.fileCount, counts.directoryCount, stream.eventsProcessed], [3, 3, 4]);
    assert.equal((await mounted.stop()).status, 0);
  });
});
