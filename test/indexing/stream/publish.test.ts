/** Publishing a catalog to a Redis: in its format, once, from where it was left, through whatever happens to Redis. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openCatalog, putFiles, putSource } from '../../support/catalogs.js';
import { filledCatalog, publishing, toldPaths, untilMoved, untilTold } from '../../support/published.js';
import { publish, startRedis } from '../../support/redis.js';
import { streamedSource, until } from '../../support/streamed.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const THREE = ['docs/a/1.txt 7', 'docs/a/2.txt 7', 'docs/a/é 7'];

describe('publishing', () => {
  it('writes the properties of each file, its id, and an event for each key', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog, ids } = filledCatalog(context);
    const [first = 0] = ids;
    catalog.write(writer =>
      writer.describeFile(
        { id: first },
        { add: ['b', 'a'], properties: { 'titles.eng': 'Dune', year: 1984, size: 1 } },
      ),
    );
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const key = `file:${catalog.identity()}-${first}`;
    const names = ['filePath', 'size', 'mtime', 'fileName', 'extension', 'labels', 'titles/eng', 'year'];
    assert.deepEqual(await client.mget(names.map(name => `${key}/${name}`)), [
      ...['docs/a/1.txt', '7', '1700000000123.456', '1.txt', 'txt', '["a","b"]', 'Dune', '1984'],
    ]);
    const events = (await client.xrange('meta:events', '-', '+')).map(([, fields]) => fields);
    const keys = await client.keys('file:*/*');
    assert.deepEqual(events.map(fields => fields[3]).sort(), keys.sort());
    assert.ok(events.every(fields => fields[0] === 'type' && fields[1] === 'set' && fields[4] === 'ts'));
  });

  it('takes away what was taken away', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog, ids } = filledCatalog(context);
    const [id = 0, second = 0] = ids;
    catalog.write(writer => writer.describeFile({ id }, { add: ['b'], properties: { title: 'Dune' } }));
    const { stop } = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await stop();
    catalog.write(writer => {
      writer.describeFile({ id }, { remove: ['b'], properties: { title: null } });
      writer.deleteFile(second);
    });
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    assert.deepEqual(await client.keys('file:*/title'), []);
    assert.deepEqual(await client.keys('file:*/labels'), []);
    assert.deepEqual(await client.keys(`file:*-${second}/*`), []);
  });

  it('goes on from where it was left, and tells nothing twice', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog } = filledCatalog(context);
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await first.stop();
    const told = await client.xlen('meta:events');
    putFiles(catalog, catalog.sources.get('docs'), '', ['new']);
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    assert.equal(await client.xlen('meta:events'), told + 4);
  });

  it('tells all anew when the log was cut off, and takes away what is gone', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog, ids } = filledCatalog(context);
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await first.stop();
    catalog.write(writer => writer.deleteFile(ids[0] ?? 0));
    putFiles(catalog, catalog.sources.get('docs'), '', ['new']);
    catalog.db.exec('DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)');
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
  });

  it('tells all anew when the catalog is an older one, with other changes of the same numbers', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog, file } = filledCatalog(context);
    const older = join(temporaryFolder(context), 'catalog.db');
    catalog.identity();
    await catalog.db.backup(older);
    putFiles(catalog, catalog.sources.get('docs'), '', ['lost']);
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await first.stop();
    catalog.close();
    copyFileSync(older, file);
    const restored = openCatalog(file);
    context.after(() => restored.close());
    putFiles(restored, restored.sources.get('docs'), '', ['new', 'newer']);
    publishing(context, restored, { uri });
    await untilTold(client, restored);
  });

  it('takes nothing that a user says for what the file has', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog, ids } = filledCatalog(context);
    const properties = { fileSize: 1, sizeByte: 2, ctime: 3, fileName: 'x', extension: 'x' };
    catalog.write(writer => writer.describeFile({ id: ids[0] ?? 0 }, { properties }));
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const { scan, file } = streamedSource(context, { uri });
    await scan();
    assert.equal(file('docs/a/1.txt').size, 7);
  });

  it('takes away the files of a source that was removed', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog } = filledCatalog(context);
    putFiles(catalog, putSource(catalog, 'more'), '', ['x']);
    publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    catalog.removeSource(catalog.sources.get('docs'));
    await untilTold(client, catalog);
    assert.deepEqual(await toldPaths(client), ['more/x 1']);
  });

  it('tells all again when Redis was emptied, or lost what it had not saved', async context => {
    const redis = await startRedis(context);
    const { catalog } = filledCatalog(context);
    const { problems } = publishing(context, catalog, { uri: redis.uri });
    await untilTold(redis.client, catalog);
    await redis.client.flushall();
    await untilTold(redis.client, catalog);
    assert.equal(await redis.client.hget('node:one', 'state'), 'online');
    await redis.client.save();
    putFiles(catalog, catalog.sources.get('docs'), '', ['new']);
    await untilTold(redis.client, catalog);
    await redis.stop('SIGKILL');
    putFiles(catalog, catalog.sources.get('docs'), '', ['newer']);
    await until('it is known to be away', () => problems.length > 0);
    await redis.start();
    await untilTold(redis.client, catalog);
    assert.equal(problems.length, 1, 'told once');
  });

  it('says so when Redis is full, and goes on when there is room', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog } = filledCatalog(context);
    const { problems } = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    await client.config('SET', 'maxmemory', '1');
    putFiles(catalog, catalog.sources.get('docs'), '', ['new']);
    await until('it is told', () => problems.length > 0);
    assert.match(problems[0] ?? '', /cannot be written: OOM command not allowed .*'maxmemory'\.$/);
    await client.config('SET', 'maxmemory', '0');
    await untilTold(client, catalog);
  });

  it('leaves files of others alone, and tells nothing that came from a Redis', async context => {
    const { client, uri } = await startRedis(context);
    await publish(client, 'theirs', { filePath: 'theirs.mkv', size: 3 });
    const { catalog, scan, paths } = streamedSource(context, { uri });
    putFiles(catalog, putSource(catalog), 'a', ['1.txt', '2.txt', 'é'], { size: 7 });
    publishing(context, catalog, { uri });
    await until('ours are there', async () => (await toldPaths(client)).length === 4);
    await scan();
    await scan({ hash: 'all' });
    assert.deepEqual(paths(), ['docs/a/1.txt', 'docs/a/2.txt', 'docs/a/é', 'media/theirs.mkv']);
    await untilMoved(client, catalog);
    assert.deepEqual(await toldPaths(client), [...THREE, 'theirs.mkv 3']);
  });

  it('is done by one process of a catalog at a time', async context => {
    const { client, uri } = await startRedis(context);
    const { catalog } = filledCatalog(context);
    const first = publishing(context, catalog, { uri });
    await untilTold(client, catalog);
    const second = publishing(context, catalog, { uri });
    await first.stop();
    putFiles(catalog, catalog.sources.get('docs'), '', ['new']);
    await untilTold(client, catalog);
    assert.deepEqual(second.problems, []);
  });
});
