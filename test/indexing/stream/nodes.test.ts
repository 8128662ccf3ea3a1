/** The nodes that publish to a Redis: who is there, who is away, and whose name is whose. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Connection } from '../../../src/indexing/stream/connection.js';
import { listNodes, type NodeStatus } from '../../../src/indexing/stream/nodes.js';
import { parseRedisUri } from '../../../src/sources/redis-uri.js';
import { openCatalog } from '../../support/catalogs.js';
import { filledCatalog, publishing, toldPaths, untilTold } from '../../support/published.js';
import { startRedis } from '../../support/redis.js';
import { until } from '../../support/streamed.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function nodesAt(context: TestContext, uri: string): Promise<() => Promise<NodeStatus[]>> {
  const connection = await Connection.open(parseRedisUri(uri), new AbortController().signal);
  context.after(() => connection.close());
  return () => listNodes(connection, '');
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

  it('have names of their own; one that is not in use is taken over, without the files it had', async context => {
    const { client, uri } = await startRedis(context);
    const [one, other] = [filledCatalog(context), filledCatalog(context)];
    other.catalog.write(writer => writer.deleteFile(other.ids[0] ?? 0));
    const first = publishing(context, one.catalog, { uri });
    await untilTold(client, one.catalog);
    const second = publishing(context, other.catalog, { uri });
    await until('it is refused', () => second.problems.length > 0);
    assert.match(second.problems[0] ?? '', /another catalog publishes as the node one/);
    await untilTold(client, one.catalog);
    await first.stop();
    await untilTold(client, other.catalog);
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

  it('are refused when they are a copy of one that is there', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog, file } = filledCatalog(context);
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    catalog.db.pragma('wal_checkpoint(TRUNCATE)');
    const copied = join(temporaryFolder(context), 'catalog.db');
    cpSync(file, copied);
    const copy = openCatalog(copied);
    context.after(() => copy.close());
    const { problems } = publishing(context, copy, { uri, node: 'two' });
    await until('it is refused', () => problems.length > 0);
    assert.match(problems[0] ?? '', /the node one publishes from a copy of this catalog/);
    assert.equal((await toldPaths(client)).length, 3);
  });
});
