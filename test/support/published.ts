/** Catalogs that publish to a Redis, and what is to be there then, worked out naively. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import type { Catalog } from '../../src/catalog/catalog.js';
import { Descriptions } from '../../src/catalog/descriptions.js';
import { allFiles, isLink, sourcePath } from '../../src/catalog/files.js';
import type { Keeper } from '../../src/indexing/keeper.js';
import { keepPublished, type PublishOptions } from '../../src/indexing/stream/publish.js';
import { openCatalog, putFiles, putSource } from './catalogs.js';
import { until } from './streamed.js';
import { temporaryFolder } from './temporary-folder.js';

export interface Publishing extends Keeper {
  problems: string[];
}

/** Publishes until the test is over, or it is stopped. */
export function publishing(
  context: TestContext,
  catalog: Catalog,
  options: Pick<PublishOptions, 'uri'> & Partial<PublishOptions>,
): Publishing {
  const problems: string[] = [];
  const keeper = keepPublished(catalog, {
    ...{ keyPrefix: '', node: 'one', version: '1.2.3' },
    onProblem: message => void problems.push(message),
    ...options,
  });
  context.after(() => keeper.stop());
  return { problems, stop: () => keeper.stop() };
}

/** A catalog with the source `docs` and three files. It is closed after whatever publishes it has ended. */
export function filledCatalog(
  context: TestContext,
  file = join(temporaryFolder(context), 'catalog.db'),
): { catalog: Catalog; ids: number[]; file: string } {
  const catalog = openCatalog(file);
  context.after(() => catalog.close());
  const given = { size: 7, mtimeUs: 1_700_000_000_123_456 };
  return { catalog, file, ids: putFiles(catalog, putSource(catalog), 'a', ['1.txt', '2.txt', 'é'], given) };
}

/** The paths that a Redis tells, each with its size, in order. */
export async function toldPaths(client: Redis, prefix = ''): Promise<string[]> {
  const ids = await client.smembers(`${prefix}file:__index__`);
  const told = ids.map(async id => {
    const [path, size] = await client.mget(`${prefix}file:${id}/filePath`, `${prefix}file:${id}/size`);
    return `${path} ${size}`;
  });
  return (await Promise.all(told)).sort();
}

/** What it is to tell of a catalog. */
export function pathsToTell(catalog: Catalog): string[] {
  const rows = catalog.db
    .prepare<[], string>(
      `SELECT s.name || '/' || CASE d.path WHEN '' THEN '' ELSE d.path || '/' END || f.name || ' ' || f.size
       FROM files f JOIN folders d ON d.id = f.folder_id JOIN sources s ON s.id = d.source_id
       WHERE f.deleted_at IS NULL AND f.mode & ${0o170000} <> ${0o120000} AND s.uri NOT LIKE 'redis%'`,
    )
    .pluck();
  return rows.all().sort();
}

/** Waits until a Redis tells of the catalog, and of nothing else. */
export async function untilTold(client: Redis, catalog: Catalog): Promise<void> {
  const wanted = JSON.stringify(pathsToTell(catalog));
  await until(
    'Redis tells what the catalog has',
    async () => JSON.stringify(await toldPaths(client)) === wanted,
  );
}

/** Each key that a catalog is to have in Redis, and its text. */
export function textsToTell(catalog: Catalog): Map<string, string> {
  const descriptions = new Descriptions(catalog.db);
  const texts = new Map<string, string>();
  for (const { id } of allFiles(catalog.db)) {
    const file = catalog.files.get(id);
    if (!file || isLink(file.mode) || file.sourceUri.startsWith('redis')) continue;
    const labels = descriptions.labels(id);
    const told = {
      ...{ filePath: `${file.source}/${sourcePath(file)}`, fileName: file.name },
      ...{ size: file.size, mtime: file.mtimeUs / 1_000 },
      ...(file.name.endsWith('.txt') ? { extension: 'txt' } : {}),
      ...(labels.length > 0 ? { labels: JSON.stringify(labels) } : {}),
      ...descriptions.properties(id),
    };
    for (const [name, value] of Object.entries(told)) {
      texts.set(`file:${catalog.identity()}-${id}/${name.replaceAll('.', '/')}`, String(value));
    }
  }
  return texts;
}

/** Redis has exactly what these catalogs are to have there, and the last event of each key says whether it is there. */
export async function assertPublished(client: Redis, ...catalogs: readonly Catalog[]): Promise<void> {
  const wanted = new Map(catalogs.flatMap(catalog => [...textsToTell(catalog)]));
  const ids = new Set([...wanted.keys()].map(key => key.slice('file:'.length, key.indexOf('/'))));
  assert.deepEqual((await client.smembers('file:__index__')).sort(), [...ids].sort());
  const keys = await client.keys('file:*/*');
  const texts = keys.length === 0 ? [] : await client.mget(keys);
  const had = new Map(keys.map((key, at) => [key, texts[at]]));
  assert.deepEqual([...had].sort(), [...wanted].sort());
  const last = new Map<string, string>();
  for (const [, [, type = '', , key = '']] of await client.xrange('meta:events', '-', '+'))
    last.set(key, type);
  for (const key of wanted.keys()) assert.equal(last.get(key), 'set', key);
  for (const [key, type] of last) assert.equal(type, wanted.has(key) ? 'set' : 'del', key);
}

/** Waits until a Redis is at the end of the catalog's log. */
export async function untilMoved(client: Redis, catalog: Catalog): Promise<void> {
  await until('all changes are told', async () => {
    const position = await client.hget(`outbox:${catalog.identity()}`, 'position');
    return position?.startsWith(`${catalog.log.lastSeq()} `) ?? false;
  });
}
