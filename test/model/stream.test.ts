/**
 * Random events, looks at them, trimmed streams and scans of everything: the catalog is in the end what Redis says, worked
 * out naively from its keys, and every file has had one id all the time.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { publish, startRedis } from '../support/redis.js';
import { type Streamed, streamedSource } from '../support/streamed.js';

const file = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const path = fc.constantFrom('1.mkv', '2.mkv', 'x/1.mkv', 'x/y/2.mkv', '../out.mkv', null);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('place' as const), file, path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('tell' as const),
      file,
      title: fc.constantFrom('T', '7', null),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('touch' as const), file, mtime: fc.constantFrom(1e9, 2e9) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('scan' as const), full: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), left: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), file }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(client: Redis, streamed: Streamed, one: Step): Promise<void> {
  switch (one.kind) {
    case 'place':
      return publish(client, one.file, { filePath: one.path });
    case 'tell':
      return publish(client, one.file, { title: one.title });
    case 'touch':
      return publish(client, one.file, { mtime: one.mtime });
    case 'scan':
      return void (await streamed.scan(
        one.full ? { hash: 'all', allowShrink: true } : { allowShrink: true },
      ));
    case 'trim':
      return void (await client.xtrim('meta:events', 'MAXLEN', one.left));
    case 'forget':
      return forget(client, one.file);
  }
}

/** Everything of a file is deleted, as MetaMesh does it. */
async function forget(client: Redis, id: string): Promise<void> {
  await publish(client, id, { filePath: null, title: null, mtime: null });
  await client.srem('file:__index__', id);
}

/** Path → the key and the title of the file that is there. */
async function naively(client: Redis): Promise<Map<string, string>> {
  const shown = new Map<string, { id: string; mtime: number; title: string | null }>();
  for (const id of (await client.smembers('file:__index__')).sort()) {
    const [at, mtime, title = null] = await client.mget(
      `file:${id}/filePath`,
      `file:${id}/mtime`,
      `file:${id}/title`,
    );
    if (!at || at.startsWith('..')) continue;
    const other = shown.get(at);
    if (other === undefined || Number(mtime) >= other.mtime)
      shown.set(at, { id, mtime: Number(mtime), title });
  }
  return new Map([...shown].map(([at, { id, title }]) => [at, `${id} ${title}`]));
}

function known({ paths, file: at, properties }: Streamed): Map<string, string> {
  const relative = paths().map(each => each.slice('media/'.length));
  return new Map(relative.map(each => [each, `${at(each).key} ${properties(each).title ?? null}`]));
}

const sorted = (shown: Map<string, string>) => [...shown].sort();

test('what Redis says is in the catalog, whatever was done', async (context: TestContext) => {
  const { client, uri } = await startRedis(context);
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom('used' as const, 'all' as const),
      async (steps, properties) => {
        await client.flushall();
        const streamed = streamedSource(context, { uri, stream: { properties } });
        streamed.applyRules('directories:', '  - path: /media', '    where: title=never or size>=0');
        for (const each of steps) {
          await take(client, streamed, each);
          if (each.kind === 'scan') assert.deepEqual(sorted(known(streamed)), sorted(await naively(client)));
        }
        await streamed.scan({ allowShrink: true });
        assert.deepEqual(sorted(known(streamed)), sorted(await naively(client)));
        const twice = streamed.catalog.db
          .prepare('SELECT key FROM files GROUP BY key HAVING count(*) > 1')
          .all();
        assert.deepEqual(twice, []);
      },
    ),
    { numRuns: 60 },
  );
});
