/** A stream that has forgotten where the catalog is: only one that was trimmed is believed in what its Redis lacks. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { listAll } from '../../../src/indexing/stream/list-all.js';
import { openFeed } from '../../../src/indexing/stream/open-feed.js';
import { Session } from '../../../src/indexing/stream/session.js';
import { publish, startRedis } from '../../support/redis.js';
import { type Streamed, streamedSource } from '../../support/streamed.js';

const FILES = 50;

async function publishMany(client: Redis, from: number, to: number): Promise<void> {
  for (let nth = from; nth < to; nth++) await publish(client, `f${nth}`, { filePath: `f${nth}.mkv` });
}

/** A Redis with files, and a catalog that has all of them. */
async function scanned(context: TestContext) {
  const redis = await startRedis(context);
  await publishMany(redis.client, 0, FILES);
  const streamed = streamedSource(context, { uri: redis.uri });
  await streamed.scan();
  return { redis, client: redis.client, streamed };
}

/** One file is gone, and more is forgotten than there was when it was there. */
async function deleteAndTrim(client: Redis): Promise<void> {
  await publish(client, 'f0', { filePath: null });
  for (let nth = 0; nth < 10; nth++) await publish(client, 'f1', { title: nth });
  await client.xtrim('meta:events', 'MAXLEN', 2);
}

async function assertKept({ scan, paths }: Streamed, lacking: number, files = FILES): Promise<void> {
  const message = `${lacking} of the ${files} files of media are gone; nothing was deleted`;
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(scan(), { code: 'failed', message, hint: /--allow-shrink/ });
    assert.equal(paths().length, files);
  }
}

describe('a stream that goes on after the position of the catalog', () => {
  it('was trimmed while nobody followed: what is gone is gone', async context => {
    const { client, streamed } = await scanned(context);
    await publishMany(client, FILES, FILES + 5);
    await deleteAndTrim(client);
    await streamed.scan();
    assert.equal(streamed.paths().length, FILES + 4);
  });

  it('was trimmed for two catalogs', async context => {
    const { redis, client, streamed } = await scanned(context);
    const other = streamedSource(context, { uri: redis.uri });
    await publishMany(client, FILES, FILES + 5);
    await other.scan();
    await deleteAndTrim(client);
    for (const each of [streamed, other]) {
      await each.scan();
      assert.equal(each.paths().length, FILES + 4);
    }
  });

  it('is that of a Redis that was emptied, refilled, and trimmed by as many events as before', async context => {
    const { client, streamed } = await scanned(context);
    await client.flushall();
    for (let round = 0; round < 20; round++) await publishMany(client, 0, 10);
    await client.xtrim('meta:events', 'MAXLEN', 20);
    await assertKept(streamed, 40);
    await publishMany(client, 0, FILES);
    await streamed.scan();
    assert.equal(streamed.unavailable(), undefined);
  });

  it('is that of a Redis that is what it was before, or of a replica that was behind', async context => {
    const { redis, client, streamed } = await scanned(context);
    await client.save();
    await publishMany(client, FILES, FILES + 5);
    await streamed.scan();
    await redis.stop('SIGKILL');
    await redis.start();
    for (let round = 0; round < 10; round++) await publishMany(client, 0, 10);
    await client.xtrim('meta:events', 'MAXLEN', 20);
    await assertKept(streamed, 5, FILES + 5);
  });

  it('is believed in nothing that is gone where the catalog may not write', async context => {
    const redis = await startRedis(context);
    await redis.client.acl('SETUSER', 'reader', 'on', '>secret', '~*', '+@read', '+@connection');
    process.env.FACET_REDIS_PASSWORD = 'secret';
    context.after(() => delete process.env.FACET_REDIS_PASSWORD);
    await publishMany(redis.client, 0, FILES);
    const streamed = streamedSource(context, { uri: redis.uri.replace('//', '//reader@') });
    await streamed.scan();
    await deleteAndTrim(redis.client);
    await assertKept(streamed, 1);
  });

  it('is believed in nothing that is gone when the mark was evicted', async context => {
    const { client, streamed } = await scanned(context);
    assert.equal(await client.del(await client.keys('follower:*')), 1);
    await deleteAndTrim(client);
    await assertKept(streamed, 1);
  });

  for (const [when, isDone] of [
    ['while all files were listed', true],
    ['when not all files had been listed', false],
  ] as const) {
    it(`is that of a Redis that was emptied ${when}`, async context => {
      const { redis, client, streamed } = await scanned(context);
      const { catalog, source } = streamed;
      const { signal } = new AbortController();
      const feed = await openFeed(redis.uri, signal);
      context.after(() => feed.close());
      const members = feed.members.bind(feed);
      feed.members = async function* (...asked) {
        await client.flushall();
        await publishMany(client, 0, 10);
        if (isDone) yield* members(...asked);
        else throw new Error('the connection is lost');
      };
      const options = { exclude: [], allowShrink: false, signal, onProgress: () => {} };
      const message = isDone ? /^40 of the 50 files of media are gone; nothing was deleted$/ : /is lost$/;
      await assert.rejects(listAll(new Session(catalog, feed, source, options)), { message });
      await assertKept(streamed, 40);
    });
  }
});
