/**
 * Random changes to catalogs while they are published, and processes, servers and their memories that end at any moment:
 * afterwards Redis has exactly what the catalogs have, and whoever follows it too.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Catalog } from '../../src/catalog/catalog.js';
import { putFiles, putSource } from '../support/catalogs.js';
import { startProgram } from '../support/processes.js';
import { assertPublished, filledCatalog, publishing, textsToTell, untilMoved } from '../support/published.js';
import { seededPicks } from '../support/random.js';
import { changeCatalog, type Pick } from '../support/random-catalogs.js';
import { startRedis } from '../support/redis.js';
import { type Streamed, streamedSource, until } from '../support/streamed.js';

const PUBLISHING = new URL('./publish-process.js', import.meta.url);

const seed = Number(process.env.FACET_TEST_SEED ?? 1);

/** Enough for several batches. */
function fill(catalog: Catalog, name = 'docs'): void {
  const names = Array.from({ length: 2_000 }, (_, nth) => `file ${nth}`);
  putFiles(catalog, catalog.sources.get(name), 'many', names, { mtimeUs: 1_700_000_000_000_000 });
}

/** Mostly without a rest, so that whoever publishes is in the midst of it at any moment. */
async function changeFor(catalog: Catalog, name: string, ms: number, pick: Pick): Promise<void> {
  const source = catalog.sources.get(name);
  for (const end = performance.now() + ms; performance.now() < end; ) {
    for (let left = pick(20); left > 0; left--) changeCatalog(catalog, source, pick);
    await wait(pick(30) === 0 ? pick(150) : 0);
  }
}

/** All files are to be published anew. */
function cutLog({ db }: Catalog): void {
  db.exec('DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)');
}

test('a process that is killed at any moment leaves nothing undone', async context => {
  const { client, uri } = await startRedis(context);
  const { catalog, file } = filledCatalog(context);
  fill(catalog);
  const pick = seededPicks(seed);
  for (let round = 0; round < 10; round++) {
    if (pick(3) === 0) cutLog(catalog);
    const { process: child, line } = startProgram(context, PUBLISHING, [file, uri]);
    await line();
    await changeFor(catalog, 'docs', pick(500), pick);
    child.kill('SIGKILL');
    await once(child, 'close');
    const { stop } = publishing(context, catalog, { uri });
    await untilMoved(client, catalog);
    await stop();
    await assertPublished(client, catalog);
  }
});

test('a Redis that is emptied, or is again what it was before, at any moment lacks nothing in the end', async context => {
  const redis = await startRedis(context);
  const { catalog } = filledCatalog(context);
  fill(catalog);
  const pick = seededPicks(seed);
  publishing(context, catalog, { uri: redis.uri });
  for (let round = 0; round < 6; round++) {
    if (pick(3) === 0) cutLog(catalog);
    await changeFor(catalog, 'docs', pick(200), pick);
    if (pick(3) === 0) await redis.client.save();
    const changing = changeFor(catalog, 'docs', pick(400), pick);
    await wait(pick(200));
    if (pick(3) > 0) await redis.client.flushall();
    else {
      await redis.stop('SIGKILL');
      await redis.start();
    }
    await changing;
    await untilMoved(redis.client, catalog);
    await assertPublished(redis.client, catalog);
  }
});

interface NodeOfTwo extends Streamed {
  name: string;
}

function nodeOf(context: TestContext, uri: string, name: string): NodeOfTwo {
  const node = streamedSource(context, { uri, stream: { properties: 'all' } });
  putSource(node.catalog, name);
  fill(node.catalog, name);
  return { ...node, name };
}

/** Path, size and what is told of each file of the other node. */
function seen({ paths, file, properties }: Streamed): string[] {
  const others = paths().flatMap(path => (path.startsWith('media/') ? path.slice('media/'.length) : []));
  return others
    .map(
      path =>
        `${path} ${file(path).size} ${file(path).mtimeUs} ${JSON.stringify(properties(path)['p.1'] ?? null)}`,
    )
    .sort();
}

function toSee({ catalog }: Streamed): string[] {
  const texts = textsToTell(catalog);
  const files = [...texts].filter(([key]) => key.endsWith('/filePath'));
  return files
    .map(([key, path]) => {
      const [size, mtime, p] = ['size', 'mtime', 'p/1'].map(name =>
        texts.get(key.replace(/filePath$/, name)),
      );
      return `${path} ${size} ${Number(mtime) * 1_000} ${p ?? null}`;
    })
    .sort();
}

test('two nodes that follow each other see the files of each other, and tell only their own', async context => {
  const { client, uri } = await startRedis(context);
  const nodes = [nodeOf(context, uri, 'one'), nodeOf(context, uri, 'two')] as const;
  const [one, two] = nodes;
  const running = nodes.flatMap(node => [
    node.follow(),
    publishing(context, node.catalog, { uri, node: node.name }),
  ]);
  await Promise.all(
    nodes.map(({ catalog, name }, nth) => changeFor(catalog, name, 4_000, seededPicks(seed + nth))),
  );
  for (const { catalog } of nodes) await untilMoved(client, catalog);
  await until('one sees the files of two', () => seen(one).length === toSee(two).length);
  for (const [node, other] of [
    [one, two],
    [two, one],
  ] as const) {
    await until('it has followed', async () => {
      const [last] = await client.xrevrange('meta:events', '+', '-', 'COUNT', 1);
      return node.state().position === last?.[0];
    });
    assert.deepEqual(seen(node), toSee(other));
  }
  await assertPublished(client, one.catalog, two.catalog);
  for (const each of running) await each.stop();
  const events = await client.xlen('meta:events');
  for (const { catalog, name } of nodes) publishing(context, catalog, { uri, node: name });
  for (const { catalog } of nodes) await untilMoved(client, catalog);
  assert.equal(await client.xlen('meta:events'), events, 'what came from the other is not told');
});
