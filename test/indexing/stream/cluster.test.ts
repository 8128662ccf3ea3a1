/** A cluster: its servers share the keys, and one of them has the stream. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Cluster } from 'ioredis';
import { openRedis } from '../../../src/indexing/stream/open-feed.js';
import { freePort, startCluster, startRedis } from '../../support/redis.js';
import { streamedSource, until } from '../../support/streamed.js';

async function cluster(context: TestContext) {
  const ports = await startCluster(context);
  const client = new Cluster(ports.map(port => ({ host: '127.0.0.1', port })));
  context.after(() => client.disconnect());
  return {
    uri: `redis+cluster://${ports.map(port => `127.0.0.1:${port}`).join(',')}`,
    async publish(id: string, properties: Record<string, string>) {
      for (const [name, value] of Object.entries(properties)) {
        const key = `file:${id}/${name}`;
        await client.set(key, value);
        await client.xadd('meta:events', '*', 'type', 'set', 'key', key, 'ts', Date.now());
      }
      await client.sadd('file:__index__', id);
    },
  };
}

test('is listed and followed', async context => {
  const { uri, publish } = await cluster(context);
  for (let nth = 0; nth < 40; nth++)
    await publish(`f${nth}`, { filePath: `d${nth % 3}/${nth}.mkv`, title: `T${nth}` });
  const streamed = streamedSource(context, { uri, stream: { properties: 'all' } });
  await streamed.scan();
  assert.equal(streamed.paths().length, 40);
  assert.equal(streamed.properties('d0/39.mkv').title, 'T39');
  streamed.follow();
  await publish('f1', { filePath: 'moved.mkv' });
  await until('it is moved', () => streamed.paths().includes('media/moved.mkv'));
});

test('takes nothing that is published: not all of its keys can be written at once', async () => {
  const { signal } = new AbortController();
  await assert.rejects(openRedis('redis+cluster://nas', signal), { code: 'usage', hint: /no cluster/ });
});

test('that cannot be reached, or says not where its servers are', async context => {
  const nobody = streamedSource(context, { uri: `redis+cluster://127.0.0.1:${await freePort()}` });
  await assert.rejects(nobody.scan(), { code: 'unreachable' });
  const { client, port } = await startRedis(context, '--cluster-enabled', 'yes');
  await client.cluster('ADDSLOTSRANGE', 0, 16383);
  const silent = streamedSource(context, { uri: `redis+cluster://127.0.0.1:${port}` });
  await assert.rejects(silent.scan(), { code: 'unreachable', message: /where its servers are/ });
});
