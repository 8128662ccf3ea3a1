/** The nodes that publish to a Redis: who is there, who is away, and whose name is whose. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Connection } from '../../../src/indexing/stream/connection.js';
import { forgetNode, listNodes, type NodeStatus } from '../../../src/indexing/stream/nodes.js';
import { openRedis } from '../../../src/indexing/stream/open-feed.js';
import { openCatalog, putFiles, putSource } from '../../support/catalogs.js';
import { filledCatalog, publishing, untilTold } from '../../support/published.js';
import { startRedis } from '../../support/redis.js';
import { streamedSource, until } from '../../support/streamed.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function connect(context: TestContext, uri: string): Promise<Connection> {
  const connection = await openRedis(uri, new AbortController().signal);
  context.after(() => connection.close());
  return connection;
}

async function nodesAt(context: TestContext, uri: string): Promise<() => Promise<NodeStatus[]>> {
  const connection = await connect(context, uri);
  return () => listNodes({ connection, keyPrefix: '' });
}

describe('nodes', () => {
  it('are online while they publish, and offline at once when they end', async context => {
    const { client, uri } = await startRedis(context);
    const nodes = await nodesAt(context, uri);
    assert.deepEqual(await nodes(), []);
    const { catalog } = filledCatalog(context);
    const running = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const [node] = await nodes();
    assert.deepEqual(node, { ...node, name: 'one', online: true, files: 3, version: '1.2.3' });
    await running.stop();
    assert.deepEqual(
      (await nodes()).map(({ online }) => online),
      [false],
    );
  });

  it('tell how many files they have as soon as that is known', async context => {
    const { uri } = await startRedis(context);
    const nodes = await nodesAt(context, uri);
    const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'));
    context.after(() => catalog.close());
    publishing(context, catalog, { uri });
    const holds = (files: number) => async () => (await nodes())[0]?.files === files;
    await until('it is online', holds(0));
    const source = putSource(catalog);
    putFiles(catalog, source, 'a', ['1.txt', '2.txt']);
    await until('the first files are told of', holds(2));
    putFiles(catalog, source, 'b', ['3.txt']);
    await until('the next one is, too', holds(3));
  });

  it('are offline when three heartbeats were missed', async context => {
    const { client, uri } = await startRedis(context);
    const nodes = await nodesAt(context, uri);
    const { catalog } = filledCatalog(context);
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const at = Number(await client.hget('node:one', 'at'));
    await client.hset('node:one', 'at', at - 80_000);
    assert.equal((await nodes())[0]?.online, true);
    await client.hset('node:one', 'at', at - 91_000);
    assert.equal((await nodes())[0]?.online, false);
  });

  it('have names of their own, also while they are away', async context => {
    const { client, uri } = await startRedis(context);
    const [one, other] = [filledCatalog(context), filledCatalog(context)];
    other.catalog.write(writer => writer.deleteFile(other.ids[0] ?? 0));
    const first = publishing(context, one.catalog, { uri });
    await untilTold(client, one.catalog);
    const second = publishing(context, other.catalog, { uri });
    await until('it is refused', () => second.problems.length > 0);
    assert.match(second.problems[0] ?? '', /another catalog publishes as the node one/);
    await first.stop();
    await until('it is refused again', () => second.problems.length > 1);
    assert.match(second.problems[1] ?? '', /the node one is that of another catalog, last heard of 2/);
    await untilTold(client, one.catalog);
  });

  it('are replaced by a catalog that was made anew, without the files of the old one', async context => {
    const { client, uri } = await startRedis(context);
    const before = filledCatalog(context);
    const first = publishing(context, before.catalog, { uri });
    await untilTold(client, before.catalog);
    await first.stop();
    const identity = before.catalog.identity();
    before.catalog.close();
    rmSync(before.file);
    const { catalog } = filledCatalog(context, before.file);
    putFiles(catalog, putSource(catalog, 'more'), '', ['x']);
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    assert.deepEqual(await client.keys(`*${identity}*`), []);
  });

  it('are forgotten with their files, and can come back', async context => {
    const { client, uri } = await startRedis(context);
    const { signal } = new AbortController();
    const nodes = { connection: await connect(context, uri), keyPrefix: '' };
    const { catalog, ids } = filledCatalog(context);
    catalog.write(writer => writer.describeFile({ id: ids[0] ?? 0 }, { properties: { title: 'Dune' } }));
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await assert.rejects(forgetNode(nodes, 'one', signal), /the node one is online/);
    await assert.rejects(forgetNode(nodes, 'on', signal), { code: 'not-found', hint: 'did you mean one?' });
    await first.stop();
    const follower = streamedSource(context, { uri });
    await follower.scan();
    const { id } = follower.file('docs/a/1.txt');
    assert.equal(await forgetNode(nodes, 'one', signal), 3);
    const left = (await client.keys('*')).filter(key => !key.startsWith('follower:'));
    assert.deepEqual(left, ['meta:events']);
    await follower.scan();
    assert.deepEqual(follower.paths(), []);
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await follower.scan();
    assert.equal(follower.file('docs/a/1.txt').id, id);
  });

  it('leave a name alone that is another one by now', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog } = filledCatalog(context);
    const { problems, stop } = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const theirs = { owner: `${'0'.repeat(11)} elsewhere`, state: 'online' };
    await client.hset('node:one', theirs);
    await until('it is noticed', () => problems.length > 0);
    assert.match(problems[0] ?? '', /another catalog publishes as the node one/);
    await stop();
    const { owner, state } = await client.hgetall('node:one');
    assert.deepEqual({ owner, state }, theirs);
  });

  it('tell of sources with the same name, once', async context => {
    const { client, uri } = await startRedis(context);
    const [one, other] = [filledCatalog(context), filledCatalog(context)];
    const first = publishing(context, one.catalog, { uri });
    await untilTold(client, one.catalog);
    const { problems } = publishing(context, other.catalog, { uri, node: 'two' });
    await until('it is told', () => problems.length > 0);
    assert.deepEqual([problems, first.problems], [['the node one has a source docs, too'], []]);
  });

  it('can be given another name, with the same files', async context => {
    const { client, uri } = await startRedis(context);
    const nodes = await nodesAt(context, uri);
    const { catalog } = filledCatalog(context);
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await first.stop();
    const events = await client.xlen('meta:events');
    publishing(context, catalog, { uri, node: 'two' });
    await until('it has its new name', async () => {
      const [node, ...more] = await nodes();
      return node?.name === 'two' && node.online && more.length === 0;
    });
    assert.equal(await client.xlen('meta:events'), events);
  });

  it('are refused when they are a copy of one that is online, and go on where it was when it is not', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog } = filledCatalog(context);
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const copied = join(temporaryFolder(context), 'catalog.db');
    await catalog.db.backup(copied);
    const copy = openCatalog(copied);
    context.after(() => copy.close());
    putFiles(copy, copy.sources.get('docs'), '', ['new']);
    const second = publishing(context, copy, { uri });
    await until('it is refused', () => second.problems.length > 0);
    assert.match(second.problems[0] ?? '', /the node one publishes from a copy of this catalog/);
    await untilTold(client, catalog);
    await first.stop();
    await untilTold(client, copy);
    const third = publishing(context, catalog, { uri, node: 'two' });
    await until('the first is refused', () => third.problems.length > 0);
    await untilTold(client, copy);
  });
});
