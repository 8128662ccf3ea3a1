/** A file that came damaged through a mount: its next reader gets what is at its source. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inPlace, until, users } from '../support/mounted.js';
import { CONTENTS, MD5, serveOneObject } from '../support/one-object.js';

const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

for (const user of users) {
  test(`${user.name} reads the right bytes after damaged ones, which facet says`, async context => {
    const server = await serveOneObject(context, MD5);
    await inPlace(user, async place => {
      await place.done('index', 'add', 'b', 's3://b', '--endpoint', server.url, '--anonymous');
      await place.done('index', 'scan');
      const mount = await place.mount();
      let said = '';
      mount.process.stderr?.on('data', piece => {
        said += piece;
      });
      const read = async () => (await place.output('sha256sum', `${place.mountpoint}/b/film`)).slice(0, 64);
      server.isSound = false;
      assert.notEqual(await read(), sum(CONTENTS));
      server.isSound = true;
      await until('a warning', async () => /film has another checksum.*not in the cache any more/.test(said));
      await until('the right bytes', async () => (await read()) === sum(CONTENTS));
      assert.equal((await mount.stop()).status, 0);
    });
  });
}

for (const user of users.slice(-1)) {
  test('a mount ends though it is not known yet whether a file came as it is', async context => {
    const server = await serveOneObject(context, MD5);
    await inPlace(user, async place => {
      await place.done('index', 'add', 'b', 's3://b', '--endpoint', server.url, '--anonymous');
      await place.done('index', 'scan');
      const mount = await place.mount();
      server.onHead = 'say nothing';
      await place.output('cat', `${place.mountpoint}/b/film`);
      await until('its server is asked', async () => server.heads > 0);
      const ended = await Promise.race([mount.stop(), wait(5_000, { status: 'not ended' }, { ref: false })]);
      assert.equal(ended.status, 0);
    });
  });
}
