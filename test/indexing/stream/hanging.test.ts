/** A Redis that hangs: it accepts connections, and answers nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openRedis } from '../../../src/indexing/stream/open-feed.js';
import { startRedis } from '../../support/redis.js';
import { streamedSource } from '../../support/streamed.js';

describe('a Redis that hangs', { concurrency: true }, () => {
  it('gives no answer to a scan', async context => {
    const redis = await startRedis(context);
    const { scan } = streamedSource(context, { uri: redis.uri });
    redis.signal('SIGSTOP');
    await assert.rejects(scan(), { code: 'unreachable', message: /: it does not answer within 10 s$/ });
  });

  it('is taken for lost in the middle of the work as well', async context => {
    const redis = await startRedis(context);
    const connection = await openRedis(redis.uri, new AbortController().signal);
    redis.signal('SIGSTOP');
    const lost = { code: 'unreachable', message: /: it does not answer within 30 s$/ };
    const all = connection.members('file:__index__', 10).next();
    await Promise.all([
      assert.rejects(connection.texts(['file:a/filePath']), lost),
      assert.rejects(connection.nextEntries('0-0', 1, 500), { code: 'unreachable' }),
      assert.rejects(all, lost),
    ]);
  });
});
