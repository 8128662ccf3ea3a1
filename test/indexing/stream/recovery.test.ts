/** A Redis that stops, is killed, comes back empty, is trimmed, slow, or somewhere else: the tree is right in the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { changesOf } from '../../support/catalogs.js';
import { publish, startRedis, startSentinel, type TestRedis } from '../../support/redis.js';
import { type Streamed, streamedSource, until } from '../../support/streamed.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Files of the source at the beginning: the guard against mass deletion counts from 100. */
const FILES = 120;

async function publishMany(client: Redis, from: number, to: number): Promise<void> {
  for (let nth = from; nth < to; nth++)
    await publish(client, `f${nth}`, { filePath: `d${nth % 7}/f${nth}.mkv` });
}

interface Followed extends Streamed {
  redis: TestRedis;
  problems: string[];
  has(path: string): boolean;
}

interface FollowedOptions {
  files?: number;
  server?: readonly string[];
}

/** Follows a server with files, and has all of them. */
async function followed(
  context: TestContext,
  { files = FILES, server = [] }: FollowedOptions = {},
): Promise<Followed> {
  const redis = await startRedis(context, ...server);
  await publishMany(redis.client, 0, files);
  const streamed = streamedSource(context, { uri: redis.uri });
  const { problems } = streamed.follow();
  const has = (path: string) => streamed.paths().includes(`media/${path}`);
  await until('all files are there', () => streamed.paths().length === files);
  await until('the end is marked', async () => (await redis.client.keys('follower:*')).length === 1);
  return { ...streamed, redis, problems, has };
}

const saved = { server: ['--appendonly', 'yes', '--appendfsync', 'always'] };

describe('following a stream', () => {
  it('brings what is published, without asking for anything twice', async context => {
    const { redis, has, file, state, catalog } = await followed(context);
    await redis.client.config('RESETSTAT');
    await publish(redis.client, 'new', { filePath: 'new.mkv', size: 5 });
    await until('it is there', () => has('new.mkv'));
    await publish(redis.client, 'f3', { filePath: 'moved.mkv' });
    await publish(redis.client, 'f4', { filePath: null });
    await until('both are known', () => has('moved.mkv') && !has('d4/f4.mkv'));
    assert.equal(file('new.mkv').size, 5);
    assert.ok(catalog.sources.get('media').state.lastScan !== undefined, 'all of it was looked at');
    assert.equal(state().eventsProcessed, 4);
  });

  it('goes on when Redis was stopped and comes back', async context => {
    const { redis, has, unavailable, paths, problems, state } = await followed(context, saved);
    const { eventsProcessed } = state();
    await redis.stop();
    await until('it is known to be away', () => unavailable() !== undefined);
    assert.equal(paths().length, FILES);
    await redis.start();
    await publish(redis.client, 'new', { filePath: 'new.mkv' });
    await until('the new file is there', () => has('new.mkv'));
    await until('it is well again', () => unavailable() === undefined);
    assert.equal(paths().length, FILES + 1);
    assert.equal(state().eventsProcessed, eventsProcessed + 1, 'nothing was read twice');
    assert.ok(problems.length >= 1);
  });

  it('goes on when Redis was killed and lost what it had not saved', async context => {
    const { redis, has, paths, unavailable } = await followed(context);
    await redis.client.save();
    await publish(redis.client, 'lost', { filePath: 'lost.mkv' });
    await until('it is there', () => has('lost.mkv'));
    await redis.stop('SIGKILL');
    await redis.start();
    await publish(redis.client, 'new', { filePath: 'new.mkv' });
    await until('what is new is there', () => has('new.mkv'));
    await until('what is lost is known', () => /^1 of the 122 files/.test(unavailable() ?? ''));
    await publish(redis.client, 'lost', { filePath: 'lost.mkv' });
    await until('it is back', () => unavailable() === undefined);
    assert.equal(paths().length, FILES + 2);
  });

  it('deletes nothing when Redis comes back empty, and is right when it is filled again', async context => {
    const { redis, has, paths, unavailable, file } = await followed(context);
    const { id } = file('d1/f1.mkv');
    await redis.stop('SIGKILL');
    await redis.start();
    await until('it is known', () => /120 of the 120 files/.test(unavailable() ?? ''));
    assert.equal(paths().length, FILES);
    await publishMany(redis.client, 0, FILES + 10);
    await until('all is as Redis says', () => has('d3/f129.mkv') && !unavailable());
    assert.equal(paths().length, FILES + 10);
    assert.equal(file('d1/f1.mkv').id, id);
  });

  for (const [what, empty] of Object.entries({
    'is flushed': ({ redis }: Followed) => redis.client.flushall(),
    'was restarted': async ({ redis }: Followed) => {
      await redis.stop('SIGKILL');
      await redis.start();
    },
  })) {
    it(`keeps a small library while a Redis that ${what} is filled again, file by file`, async context => {
      const small = await followed(context, { files: 50 });
      const { redis, has, paths, unavailable, file, catalog } = small;
      const [{ id }, from] = [file('d1/f1.mkv'), catalog.log.lastSeq()];
      await empty(small);
      await until('it is known', () => /^50 of the 50 files/.test(unavailable() ?? ''));
      await publishMany(redis.client, 0, 1);
      await until('one is back', () => /^49 of the 50 files/.test(unavailable() ?? ''));
      assert.equal(paths().length, 50);
      await publish(redis.client, 'f1', { filePath: 'moved.mkv' });
      await until('it is followed all the same', () => has('moved.mkv'));
      assert.equal(file('moved.mkv').id, id);
      await publishMany(redis.client, 1, 50);
      await until('all is well', () => unavailable() === undefined);
      assert.equal(small.problems.filter(each => /files of media are gone/.test(each)).length, 1);
      assert.equal(paths().length, 50);
      assert.ok(changesOf(catalog, from).every(({ kind, fileId }) => kind === 'renamed' && fileId === id));
      await publish(redis.client, 'f2', { filePath: null });
      await until('what is deleted is gone', () => !has('d2/f2.mkv'));
      assert.equal(unavailable(), undefined);
    });
  }

  it('counts what is missing again while events keep coming', async context => {
    const { redis, paths, unavailable } = await followed(context, { files: 50 });
    await redis.client.flushall();
    await until('it is known', () => /^50 of the 50 files/.test(unavailable() ?? ''));
    const talk = setInterval(() => publish(redis.client, 'f0', { title: 'again' }), 20);
    context.after(() => clearInterval(talk));
    await publishMany(redis.client, 0, 50);
    await until('all is well', () => unavailable() === undefined);
    assert.equal(paths().length, 50);
  });

  it('believes nothing of a Redis that was emptied while nobody followed, until somebody confirms it', async context => {
    const redis = await startRedis(context);
    await publishMany(redis.client, 0, 50);
    const { scan, paths, unavailable } = streamedSource(context, { uri: redis.uri });
    await scan();
    await redis.client.flushall();
    // As many events as before, of which not all are kept.
    await publishMany(redis.client, 0, 40);
    await redis.client.xtrim('meta:events', 'MAXLEN', 10);
    const refusal = {
      code: 'failed',
      message: /^10 of the 50 files of media are gone/,
      hint: /--allow-shrink/,
    };
    await assert.rejects(scan(), refusal);
    await assert.rejects(scan(), refusal);
    assert.match(unavailable() ?? '', /^10 of the 50/);
    assert.equal(paths().length, 50);
    await scan({ allowShrink: true });
    assert.equal(paths().length, 40);
    assert.equal(unavailable(), undefined);
  });

  it('keeps files whose ids are in the index again before their paths are', async context => {
    const { redis, paths, unavailable } = await followed(context, { files: 5 });
    await redis.client.flushall();
    await redis.client.sadd('file:__index__', 'f0', 'f1', 'f2');
    await publishMany(redis.client, 3, 4);
    await until('it is known', () => /^4 of the 5 files/.test(unavailable() ?? ''));
    assert.equal(paths().length, 5);
  });

  it('deletes nothing when everything is flushed while it is connected', async context => {
    const { redis, paths, unavailable } = await followed(context);
    await redis.client.flushall();
    await until('it is known', () => unavailable() !== undefined);
    assert.equal(paths().length, FILES);
  });

  it('looks at all files when the stream was trimmed past its position', async context => {
    const { redis, has, paths } = await followed(context, saved);
    await redis.client.client('PAUSE', 300, 'ALL');
    // Written where nobody is told: as if a thousand events had been trimmed at once.
    await redis.client
      .multi()
      .set('file:new/filePath', 'new.mkv')
      .sadd('file:__index__', 'new')
      .del('file:f1/filePath')
      .xadd('meta:events', '*', 'type', 'set', 'key', 'file:none/title')
      .xtrim('meta:events', 'MAXLEN', 1)
      .exec();
    await until('it is there', () => has('new.mkv') && !has('d1/f1.mkv'));
    assert.equal(paths().length, FILES);
  });

  it('waits for a Redis that is slow', async context => {
    const { redis, has, paths, unavailable } = await followed(context);
    await redis.client.client('PAUSE', 1_500, 'ALL');
    await publish(redis.client, 'new', { filePath: 'new.mkv' });
    await until('it is there', () => has('new.mkv'));
    assert.equal(unavailable(), undefined);
    assert.equal(paths().length, FILES + 1);
  });

  it('finds its way to another server through the leader', async context => {
    const [first, second] = [await startRedis(context), await startRedis(context)];
    await publishMany(first.client, 0, FILES);
    let redisUrl = first.uri;
    const leader = createServer((request, answer) =>
      answer.end(request.url === '/urls' ? JSON.stringify({ redisUrl }) : ''),
    );
    context.after(() => leader.close());
    await once(leader.listen(0, '127.0.0.1'), 'listening');
    const address = leader.address();
    const file = join(temporaryFolder(context), 'kv leader.info');
    writeFileSync(file, `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}\n`);
    const streamed = streamedSource(context, { uri: `redis+leader://${file.replace(' ', '%20')}` });
    streamed.follow();
    await until('all files are there', () => streamed.paths().length === FILES);
    const { id } = streamed.file('d1/f1.mkv');
    // A follower of the first one took over, without the last files and with new ones.
    await publishMany(second.client, 0, FILES - 3);
    await publish(second.client, 'f1', { filePath: 'moved.mkv' });
    redisUrl = second.uri;
    await first.stop();
    await until('the other one is followed', () => streamed.paths().includes('media/moved.mkv'));
    assert.equal(streamed.file('moved.mkv').id, id);
    await until('what it lacks is known', () => /^3 of the 120/.test(streamed.unavailable() ?? ''));
    assert.equal(streamed.paths().length, FILES);
    await publish(second.client, 'new', { filePath: 'new.mkv' });
    await until('what it publishes is there', () => streamed.paths().includes('media/new.mkv'));
  });

  it('finds its way to the replica that sentinels choose', async context => {
    const [first, second] = [await startRedis(context), await startRedis(context)];
    await publishMany(first.client, 0, FILES);
    await second.client.replicaof('127.0.0.1', first.port);
    const role = (text: string) => async () => (await second.client.info('replication')).includes(text);
    await until('the second one is a replica', role('master_link_status:up'));
    const port = await startSentinel(context, first);
    const streamed = streamedSource(context, { uri: `redis+sentinel://127.0.0.1:${port}/media` });
    streamed.follow();
    await until('all files are there', () => streamed.paths().length === FILES);
    // Sentinels ask the first one for its replicas now and then.
    const sentinel = new Redis({ port });
    context.after(() => sentinel.disconnect());
    const replicas = async () => String(await sentinel.call('SENTINEL', 'replicas', 'media'));
    await until('the sentinel knows the second one', async () =>
      (await replicas()).includes(`${second.port}`),
    );
    await first.stop('SIGKILL');
    await until('the second one is the first', role('role:master'));
    await publish(second.client, 'new', { filePath: 'new.mkv' });
    await until('the new file is there', () => streamed.paths().includes('media/new.mkv'));
    assert.equal(streamed.paths().length, FILES + 1);
  });

  it('is followed by several at once, and each change is written once', async context => {
    const { redis, has, catalog, follow } = await followed(context);
    follow();
    const from = catalog.log.lastSeq();
    for (let nth = 0; nth < 50; nth++) await publish(redis.client, `n${nth}`, { filePath: `n${nth}.mkv` });
    await until('all are there', () => has('n49.mkv'));
    assert.equal(catalog.log.lastSeq(), from + 50);
  });
});

describe('a scan', () => {
  it('refuses to delete most of a source, unless it is told to', async context => {
    const redis = await startRedis(context);
    await publishMany(redis.client, 0, FILES);
    const { scan, paths } = streamedSource(context, { uri: redis.uri });
    await scan();
    await redis.client.flushall();
    await publishMany(redis.client, 0, 10);
    await assert.rejects(scan(), {
      code: 'failed',
      message: /^110 of the 120 files of media are gone; nothing was deleted$/,
    });
    assert.equal(paths().length, FILES);
    await scan({ allowShrink: true });
    assert.equal(paths().length, 10);
  });

  it('says why there is no way to Redis, and marks the source', async context => {
    const redis = await startRedis(context);
    await redis.client.config('SET', 'requirepass', 'secret');
    const { scan, unavailable } = streamedSource(context, { uri: redis.uri });
    const asked = { code: 'denied', message: /asks for a password$/, hint: /FACET_REDIS_PASSWORD/ };
    await assert.rejects(scan(), asked);
    process.env.FACET_REDIS_PASSWORD = 'wrong';
    context.after(() => delete process.env.FACET_REDIS_PASSWORD);
    const refused = { code: 'denied', message: /refuses the password/, hint: /FACET_REDIS_PASSWORD/ };
    await assert.rejects(scan(), refused);
    process.env.FACET_REDIS_PASSWORD = 'secret';
    await scan();
    assert.equal(unavailable(), undefined);
    await redis.stop();
    await assert.rejects(scan(), { code: 'unreachable', message: /cannot reach redis:.*ECONNREFUSED/ });
    assert.match(unavailable() ?? '', /ECONNREFUSED/);
  });
});
