/** Files that were read through the mount, or fetched, are known to have been. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inPlace, users } from '../support/mounted.js';

for (const user of users) {
  it(`the mount of ${user.name} and fetches say which files were read`, () =>
    inPlace(user, async place => {
      for (const name of ['read', 'twice', 'never']) place.write(name, name);
      await place.index();
      const before = Date.now();
      const mount = await place.mount();
      for (const name of ['read', 'twice', 'twice'])
        await place.output('cat', `${place.mountpoint}/docs/${name}`);
      await mount.stop();
      await place.done('fetch', '/docs/twice', '-o', place.base);
      const accessOf = async (name: string) =>
        JSON.parse(await place.done('index', 'stat', `docs:${name}`, '--json'));
      const twice = await accessOf('twice');
      assert.equal(twice.accessCount, 3);
      assert.ok(Date.parse(twice.lastAccess) >= before, twice.lastAccess);
      const { lastAccess, accessCount } = await accessOf('never');
      assert.deepEqual({ lastAccess, accessCount }, { lastAccess: null, accessCount: 0 });
      const found = async (query: string) =>
        (await place.done('index', 'search', query)).trimEnd().match(/[^/]+$/gm);
      assert.deepEqual(await found('accessed<1h'), ['read', 'twice']);
      assert.deepEqual(await found('accessed>90d'), ['never']);
    }));
}
