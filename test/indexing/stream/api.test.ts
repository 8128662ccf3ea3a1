/** MetaMesh followed through its API: the same files, from the same position, as from its Redis. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startServer } from '../../support/file-server.js';
import { startApi, type TestApi } from '../../support/metamesh-api.js';
import { publish, startRedis, type TestRedis } from '../../support/redis.js';
import { type Streamed, type StreamedOptions, streamedSource, until } from '../../support/streamed.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const FILES = 120;
const LIST = '/api/metadata/hash-ids';

interface Place extends Streamed {
  redis: TestRedis;
  api: TestApi;
  has(path: string): boolean;
  /** How often all files were listed. */
  listings(): number;
}

async function metaMesh(context: TestContext, options: Partial<StreamedOptions> = {}): Promise<Place> {
  const redis = await startRedis(context);
  for (let nth = 0; nth < FILES; nth++)
    await publish(redis.client, `f${nth}`, {
      filePath: `d${nth % 7}/f${nth}.mkv`,
      size: nth,
      'titles/eng': `Title ${nth}`,
    });
  const api = await startApi(context, redis);
  const streamed = streamedSource(context, { uri: api.uri, ...options });
  return {
    ...{ ...streamed, redis, api },
    has: path => streamed.paths().includes(`media/${path}`),
    listings: () => api.requests.filter(path => path === LIST).length,
  };
}

describe('the API of MetaMesh', () => {
  it('is listed once, and gone on with from where it was', async context => {
    const { redis, scan, paths, file, properties, listings, state } = await metaMesh(context, {
      stream: { properties: 'all' },
    });
    assert.equal((await scan()).added, FILES);
    assert.equal(file('d1/f8.mkv').size, 8);
    assert.deepEqual(properties('d1/f8.mkv'), { 'titles.eng': 'Title 8' });
    const [last] = await redis.client.xrevrange('meta:events', '+', '-', 'COUNT', 1);
    assert.equal(state().position, last?.[0]);
    const listed = listings();
    await publish(redis.client, 'new', { filePath: 'ünï/new.mkv', size: 5 });
    await publish(redis.client, 'f1', { filePath: 'moved.mkv' });
    await publish(redis.client, 'f2', { filePath: null });
    const result = await scan();
    assert.deepEqual([result.added, result.renamed, result.deleted], [1, 1, 1]);
    assert.equal(listings(), listed);
    assert.equal(paths().length, FILES);
    assert.ok(paths().includes('media/ünï/new.mkv'));
  });

  it('is followed as it happens, and after it was away from where it was', async context => {
    const { redis, api, follow, has, paths, listings, unavailable } = await metaMesh(context);
    const { problems } = follow();
    await until('all files are there', () => paths().length === FILES);
    await publish(redis.client, 'new', { filePath: 'new.mkv' });
    await until('the new file is there', () => has('new.mkv'));
    api.fail(503);
    await until('it is known to be away', () => /answers 503/.test(unavailable() ?? ''));
    await publish(redis.client, 'f3', { filePath: null });
    await publish(redis.client, 'newer', { filePath: 'newer.mkv' });
    api.fail(undefined);
    await until('what happened meanwhile is there', () => has('newer.mkv') && !has('d3/f3.mkv'));
    await until('it is well again', () => unavailable() === undefined);
    assert.equal(paths().length, FILES + 1);
    assert.equal(listings(), 1);
    assert.ok(problems.length > 0);
  });

  it('is listed anew where events are missing', async context => {
    const { redis, scan, has, paths, listings } = await metaMesh(context);
    await scan();
    await publish(redis.client, 'new', { filePath: 'new.mkv' });
    await publish(redis.client, 'f2', { filePath: null });
    await redis.client.xadd('meta:events', '*', 'type', 'set', 'key', 'file:none/title');
    await redis.client.xtrim('meta:events', 'MAXLEN', 1);
    // Nothing tells whether they were trimmed or all was lost.
    await assert.rejects(scan(), { code: 'failed', message: /^1 of the 121 files/ });
    assert.equal(listings(), 2);
    assert.ok(has('new.mkv') && has('d2/f2.mkv'));
    await scan({ allowShrink: true });
    assert.ok(!has('d2/f2.mkv'));
    assert.equal(paths().length, FILES);
  });

  it('deletes nothing when it seems to have lost most files', async context => {
    const { redis, scan, paths } = await metaMesh(context);
    await scan();
    await redis.client.del('file:__index__');
    await assert.rejects(scan({ hash: 'all' }), { code: 'failed', message: /^120 of the 120 files/ });
    assert.equal(paths().length, FILES);
  });

  it('is found through the leader, which names no Redis', async context => {
    const { api, redis } = await metaMesh(context);
    const leader = join(temporaryFolder(context), 'kv-leader.info');
    writeFileSync(leader, `${api.url}\n`);
    const { scan, paths } = streamedSource(context, { uri: `redis+leader://${leader}` });
    await scan();
    assert.equal(paths().length, FILES);
    await publish(redis.client, 'new', { filePath: 'new.mkv' });
    assert.equal((await scan()).added, 1);
  });

  it('is not what answers otherwise', async context => {
    const { url } = await startServer(context, (_, response) => response.end('<html>'));
    const { scan, unavailable } = streamedSource(context, { uri: `metamesh+${url}/below` });
    await assert.rejects(scan(), { code: 'failed', message: /does not answer as MetaMesh does/ });
    const nobody = streamedSource(context, { uri: 'metamesh+http://127.0.0.1:1' });
    await assert.rejects(nobody.scan(), {
      code: 'unreachable',
      message: /cannot reach http:\/\/127.0.0.1:1/,
    });
    assert.match(nobody.unavailable() ?? '', /refused/);
    assert.equal(unavailable(), undefined);
  });
});
