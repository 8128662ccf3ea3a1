/** Publishing from `facet index watch` and `facet mount` as config.yaml says, and `facet index nodes`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { inPlace, mountsBelow, type Place, until, users } from '../support/mounted.js';
import { startRedis } from '../support/redis.js';

const user = users.at(-1) ?? assert.fail();

function configure(place: Place, ...lines: string[]): void {
  writeFileSync(join(place.home, 'config.yaml'), ['redis:', ...lines.map(line => `  ${line}`)].join('\n'));
  place.give(place.home);
}

/** With the source `docs`, and settings that publish it. Returns the address of the Redis. */
async function publishes(context: TestContext, place: Place, ...lines: string[]) {
  const redis = await startRedis(context);
  place.write('a.txt', 'x');
  await place.index();
  configure(place, `uri: ${redis.uri}`, 'publish: true', ...lines);
  return redis;
}

const nodes = async (place: Place) => (await place.done('index', 'nodes', '--json')).split('\n').slice(0, -1);

describe('facet index nodes', () => {
  it('lists who publishes while facet index watch runs, and who has left', context =>
    inPlace(user, async place => {
      const { client } = await publishes(context, place, 'keyPrefix: "x:"', 'node: laptop');
      assert.equal(await place.done('index', 'nodes'), '');
      const watching = place.startFacet(['index', 'watch', 'docs']);
      await until('its file is there', async () => (await client.keys('x:file:*/filePath')).length === 1);
      const heard = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
      const [node = ''] = await nodes(place);
      const { lastHeartbeat, version, ...rest } = JSON.parse(node);
      assert.deepEqual(rest, { name: 'laptop', online: true, files: 1, sources: ['docs'] });
      assert.match(lastHeartbeat, heard);
      assert.match(version, /^\d+\.\d+\.\d+/);
      assert.match(
        await place.done('index', 'nodes'),
        /^laptop {2}online\n {2}1 file in docs; heard of \d{4}-[\d-]+ [\d:]+ UTC, facet \d.*\n$/,
      );
      place.write('b', 'x');
      await until('the new file is there', async () => (await client.scard('x:file:__index__')) === 2);
      watching.process.kill('SIGTERM');
      const { status, stderr } = await watching.ended;
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      assert.match(await place.done('index', 'nodes'), /^laptop {2}offline\n {2}2 files in docs/);
    }));

  it('forgets one that is gone', context =>
    inPlace(user, async place => {
      const { client } = await publishes(context, place);
      const mounted = await place.mount();
      const name = hostname();
      await until('its file is there', async () => (await client.keys('file:*/filePath')).length === 1);
      const refused = await place.facet('index', 'nodes', '--forget', name, '--json');
      assert.equal(refused.status, 7);
      assert.equal(JSON.parse(refused.stderr).error.message, `the node ${name} is online`);
      assert.equal((await mounted.stop()).status, 0);
      assert.equal(await place.done('index', 'nodes', '--forget', name), `forgot ${name}, with 1 file\n`);
      assert.equal((await place.facet('index', 'nodes', '--forget', name)).status, 3);
      assert.deepEqual(await client.keys('*'), ['meta:events']);
    }));
});

describe('redis in config.yaml', () => {
  it('is refused where it cannot be meant', () =>
    inPlace(user, async place => {
      await place.index();
      const refused = async (says: RegExp, line: string, ...args: string[]) => {
        configure(place, line);
        const { status, stderr } = await place.facet(...args);
        assert.equal(status, 2, stderr);
        assert.match(stderr, says);
      };
      const noUri = /config\.yaml:2:3: redis: expected a uri as well, where publish is true/;
      await refused(noUri, 'publish: true', 'index', 'watch');
      await refused(/redis\.uri: expected the address of a Redis/, 'uri: 5', 'index', 'nodes');
      await refused(/redis\.node: expected a name of letters/, 'node: a/b', 'index', 'nodes');
      await refused(/unknown key redis\.prefix/, 'prefix: x', 'index', 'nodes');
      for (const args of [
        ['index', 'watch'],
        ['index', 'nodes'],
        ['mount', place.mountpoint],
      ]) {
        await refused(
          /http:\/\/nas is no address of a Redis\nhint: write redis:/,
          '{uri: http://nas, publish: true}',
          ...args,
        );
        await refused(
          /with a password is not kept: redis:\/\/me:…@nas/,
          '{uri: redis://me:x@nas, publish: true}',
          ...args,
        );
      }
      assert.deepEqual(mountsBelow(place.base), []);
      configure(place, 'publish: false');
      const { status, stderr } = await place.facet('index', 'nodes');
      assert.equal(status, 2);
      assert.match(stderr, /config\.yaml names no Redis\nhint: put into it: redis: /);
    }));
});
