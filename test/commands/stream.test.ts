/** A Redis that tells of files, followed from outside: encrypted and with a password, and by processes that are killed. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { makeCertificates } from '../support/certificates.js';
import { inPlace, users } from '../support/mounted.js';
import { freePort, publish, startRedis } from '../support/redis.js';

const user = users.at(-1) ?? assert.fail();

describe('a Redis', () => {
  it('that is encrypted, and wants a password, which a file has', async context => {
    await inPlace(user, async place => {
      const { ca, certFile, keyFile } = makeCertificates(place.base);
      const port = await freePort();
      const tls = ['--tls-port', `${port}`, '--tls-auth-clients', 'no'];
      const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', ca];
      const { client } = await startRedis(context, ...tls, ...files);
      await publish(client, 'a', { filePath: 'Dune.mkv', size: 4 });
      await client.config('SET', 'requirepass', 'secret');
      const secret = join(place.base, 'secret');
      writeFileSync(secret, 'secret\n');
      place.give(place.base);
      await place.done('index', 'add', 'media', `rediss://127.0.0.1:${port}`, '--files', place.source);
      const scan = (env: Record<string, string>) => place.facetWith({ env }, 'index', 'scan', 'media');

      const distrusting = await scan({ FACET_REDIS_PASSWORD: 'secret' });
      assert.equal(distrusting.status, 5);
      assert.match(distrusting.stderr, /certificate/);
      const trusting = { NODE_EXTRA_CA_CERTS: ca };
      const nobody = await scan(trusting);
      assert.equal(nobody.status, 1);
      assert.match(nobody.stderr, /FACET_REDIS_PASSWORD/);
      chmodSync(secret, 0o644);
      const missing = await scan({ ...trusting, FACET_REDIS_PASSWORD_FILE: `${secret}.none` });
      assert.equal(missing.status, 3);
      assert.match(missing.stderr, /there is no file .*secret.*none to take the password from/);
      const open = await scan({ ...trusting, FACET_REDIS_PASSWORD_FILE: secret });
      assert.equal(open.status, 1);
      assert.match(open.stderr, /others may read it/);
      chmodSync(secret, 0o600);
      const scanned = await scan({ ...trusting, FACET_REDIS_PASSWORD_FILE: secret });
      assert.equal(scanned.status, 0, scanned.stderr);
      assert.match(await place.done('index', 'ls', '/media'), /Dune\.mkv/);
    });
  });

  it('is gone on with by the next one when whoever followed it was killed', async context => {
    await inPlace(user, async place => {
      const redis = await startRedis(context);
      await place.done('index', 'add', 'media', redis.uri, '--files', place.source);
      const paths = new Map<string, string>();
      for (let round = 0; round < 6; round++) {
        const { process, ended } = place.startFacet(['index', 'watch', 'media']);
        const killed = wait(400 + round * 120).then(() => process.kill('SIGKILL'));
        for (let nth = 0; nth < 400; nth++) {
          const [id, filePath] = [`f${(nth * 7) % 400}`, `d${nth % 5}/${round} ${nth}.mkv`];
          await publish(redis.client, id, { filePath, size: round, mtime: 1e9 + round * 1000 + nth });
          paths.set(id, filePath);
          if (nth % 10 === 0) await wait(10);
        }
        await killed;
        await ended;
      }
      await place.done('index', 'scan', 'media');
      const listed = (await place.done('index', 'search', '--json', 'source:media')).trim().split('\n');
      const files = listed.map(line => JSON.parse(line));
      const told = [...paths.values()].map(path => `/media/${path}`);
      assert.deepEqual(files.map(({ path }) => path).sort(), told.sort());
    });
  });
});
