/** A MetaMesh catalog in a real Redis: what is there, and what changes from one scan to the next. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { encodeName } from '../../../src/sources/file-names.js';
import { changesOf } from '../../support/catalogs.js';
import { publish, startRedis } from '../../support/redis.js';
import { streamedSource } from '../../support/streamed.js';

/** How often Redis was asked so since its statistics were reset. */
async function calls(client: Redis, command: string): Promise<number> {
  const told = await client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(told)?.[1] ?? 0);
}

async function withFiles(context: TestContext, options: Parameters<typeof streamedSource>[1] | object = {}) {
  const redis = await startRedis(context);
  await publish(redis.client, 'a1', { filePath: 'Movies/Dune.mkv', size: 7, mtime: 1_700_000_000_123 });
  await publish(redis.client, 'b2', {
    filePath: 'Movies/Alien.mkv',
    fileSize: 9,
    size: 1,
    title: 'Alien',
    year: '1979',
  });
  return { redis, ...streamedSource(context, { uri: redis.uri, ...options }) };
}

describe('a first scan', () => {
  it('shows every file of the index that has a path', async context => {
    const { redis, scan, paths, file } = await withFiles(context);
    await publish(redis.client, 'c3', { title: 'nowhere yet' });
    const { files, added, bytes } = await scan();
    assert.deepEqual(paths(), ['media/Movies/Alien.mkv', 'media/Movies/Dune.mkv']);
    assert.deepEqual({ files, added, bytes }, { files: 2, added: 2, bytes: 16 });
    assert.equal(file('Movies/Dune.mkv').mtimeUs, 1_700_000_000_123_000);
    assert.equal(file('Movies/Dune.mkv').key, 'a1');
  });

  it('takes only keys with the prefix', async context => {
    const { redis, scan, paths } = await withFiles(context, { stream: { keyPrefix: 'lib:*' } });
    await publish(redis.client, 'z', { filePath: 'other.mkv' }, 'lib:*');
    await scan();
    assert.deepEqual(paths(), ['media/other.mkv']);
    await publish(redis.client, 'a1', { filePath: 'elsewhere.mkv' });
    await publish(redis.client, 'z', { filePath: 'moved.mkv' }, 'lib:*');
    await scan();
    assert.deepEqual(paths(), ['media/moved.mkv']);
  });

  it('stays below the root, whatever a path says', async context => {
    const { redis, scan, paths, root, state } = await withFiles(context);
    const odd = {
      up: '../x',
      inside: 'a/../../x',
      root: '/etc/passwd',
      empty: '',
      dots: '..',
      slash: 'x/',
      nul: 'a\0b',
      long: `${'x'.repeat(256)}`,
      tidy: './a//b/./c.mkv',
      absolute: `${root}/d.mkv`,
      newline: 'new\nline',
    };
    for (const [id, filePath] of Object.entries(odd)) await publish(redis.client, id, { filePath });
    await scan();
    const strange = paths().filter(path => !path.includes('Movies'));
    assert.deepEqual(strange, ['media/a/b/c.mkv', 'media/d.mkv', 'media/new\nline']);
    assert.equal(state().pathsRefused, 8);
  });

  it('leaves out ids that events could not tell of, and counts them', async context => {
    const { redis, scan, paths, state } = await withFiles(context);
    const odd = { '': 'empty.mkv', 'x/y': 'slash.mkv', a1: 'Movies/Dune (2021).mkv' };
    for (const [id, filePath] of Object.entries(odd)) await publish(redis.client, id, { filePath });
    await scan();
    const shown = ['media/Movies/Alien.mkv', 'media/Movies/Dune (2021).mkv'];
    assert.deepEqual(paths(), shown);
    assert.equal(state().pathsRefused, 2);
    for (const [id, filePath] of Object.entries(odd)) await publish(redis.client, id, { filePath });
    await scan();
    assert.deepEqual(paths(), shown);
  });

  it('keeps the bytes of a path that is no UTF-8', async context => {
    const { redis, scan, catalog, source } = await withFiles(context);
    const names = [Buffer.from('caf\xe9 \xff.mkv', 'latin1'), Buffer.from('\ufffd é.mkv')];
    for (const [nth, name] of names.entries()) {
      await publish(redis.client, `n${nth}`, { filePath: 'x' });
      await redis.client.set(`file:n${nth}/filePath`, name);
    }
    await scan();
    const { id } = catalog.files.folder(source.id, '') ?? assert.fail();
    const found = catalog.files.inFolder(id).map(each => encodeName(each.name).toString('hex'));
    assert.deepEqual(found.sort(), names.map(name => name.toString('hex')).sort());
  });

  it('cuts times to the microsecond', async context => {
    const { redis, scan, file } = await withFiles(context);
    const times = {
      ms: ['1700000000123.4569', 1_700_000_000_123_456],
      s: ['1700000000.1234567', 1_700_000_000_123_456],
      short: ['1700000000.5', 1_700_000_000_500_000],
      iso: ['2023-11-14T22:13:20.123456999Z', 1_700_000_000_123_456],
      isoMs: ['2023-11-14T22:13:20.123Z', 1_700_000_000_123_000],
    } as const;
    for (const [id, [mtime]] of Object.entries(times))
      await publish(redis.client, id, { filePath: id, mtime });
    await scan();
    for (const [id, [, us]] of Object.entries(times)) assert.equal(file(id).mtimeUs, us, id);
  });

  it('leaves out what the globs leave out', async context => {
    const { redis, scan, paths } = await withFiles(context, {
      include: ['*.mkv'],
      exclude: ['Alien*', 'trailers'],
    });
    await publish(redis.client, 't', { filePath: 'x/trailers/y/t.mkv' });
    await publish(redis.client, 'n', { filePath: 'x/n.nfo' });
    await scan();
    assert.deepEqual(paths(), ['media/Movies/Dune.mkv']);
  });
});

describe('the next scan', () => {
  it('goes on from where the last one was, and asks for nothing else', async context => {
    const { redis, scan, state } = await withFiles(context);
    await scan();
    await redis.client.config('RESETSTAT');
    const { added, modified, unchanged } = await scan();
    assert.deepEqual({ added, modified, unchanged }, { added: 0, modified: 0, unchanged: 2 });
    for (const command of ['mget', 'get', 'sscan', 'smembers'])
      assert.equal(await calls(redis.client, command), 0);
    const { position, eventsProcessed } = state();
    await publish(redis.client, 'a1', { size: 8 });
    await scan();
    assert.notEqual(state().position, position);
    assert.equal(state().eventsProcessed, eventsProcessed + 1);
    assert.equal(await calls(redis.client, 'mget'), 1);
    assert.equal(await calls(redis.client, 'sscan'), 0);
  });

  it('takes another path for a rename: labels and properties stay', async context => {
    const { redis, catalog, scan, file, paths, properties } = await withFiles(context);
    await scan();
    const before = file('Movies/Dune.mkv');
    catalog.write(writer => writer.describeFile(before, { add: ['seen'], properties: { rating: 5 } }));
    const from = catalog.log.lastSeq();
    await publish(redis.client, 'a1', { filePath: 'Films/Dune (2021).mkv' });
    const { renamed } = await scan();
    assert.equal(renamed, 1);
    assert.equal(file('Films/Dune (2021).mkv').id, before.id);
    assert.deepEqual(properties('Films/Dune (2021).mkv'), { rating: 5 });
    assert.deepEqual(paths(), ['media/Films/Dune (2021).mkv', 'media/Movies/Alien.mkv']);
    assert.deepEqual(changesOf(catalog, from), [
      { fileId: before.id, kind: 'renamed', detail: { from: 'Movies/Dune.mkv' } },
    ]);
  });

  it('removes what lost its path, with its empty folder, and knows it when it comes back', async context => {
    const { redis, scan, file, paths } = await withFiles(context);
    await publish(redis.client, 'c', { filePath: 'Alone/c.mkv' });
    await scan();
    const { id } = file('Alone/c.mkv');
    await publish(redis.client, 'c', { filePath: null });
    assert.equal((await scan()).deleted, 1);
    assert.ok(!paths().some(path => path.includes('Alone')));
    await publish(redis.client, 'c', { filePath: 'Elsewhere/c.mkv' });
    await scan();
    assert.equal(file('Elsewhere/c.mkv').id, id);
  });

  it('lets files exchange their paths', async context => {
    const { redis, scan, file } = await withFiles(context);
    await scan();
    const [dune, alien] = [file('Movies/Dune.mkv').id, file('Movies/Alien.mkv').id];
    await publish(redis.client, 'a1', { filePath: 'Movies/Alien.mkv' });
    await publish(redis.client, 'b2', { filePath: 'Movies/Dune.mkv' });
    const { deleted } = await scan();
    assert.equal(deleted, 0);
    assert.deepEqual([file('Movies/Alien.mkv').id, file('Movies/Dune.mkv').id], [dune, alien]);
  });

  it('shows the newer of two files with one path, and the other when that goes', async context => {
    for (const order of [
      ['old', 'new'],
      ['new', 'old'],
    ]) {
      const redis = await startRedis(context);
      const { scan, file, paths } = streamedSource(context, { uri: redis.uri });
      const mtimes: Record<string, number> = { old: 1_600_000_000, new: 1_700_000_000 };
      for (const id of order) {
        await publish(redis.client, id, { filePath: 'x.mkv', mtime: mtimes[id] ?? 0 });
        await scan();
      }
      assert.equal(file('x.mkv').key, 'new');
      await publish(redis.client, 'new', { filePath: 'y.mkv' });
      await scan();
      assert.deepEqual(paths(), ['media/x.mkv', 'media/y.mkv']);
      await publish(redis.client, 'old', { filePath: 'y.mkv' });
      await scan();
      assert.equal(file('y.mkv').key, 'new');
      await publish(redis.client, 'new', { filePath: null });
      await scan();
      assert.equal(file('y.mkv').key, 'old');
    }
  });

  it('passes over events that mean nothing to it', async context => {
    const { redis, scan, state, paths } = await withFiles(context);
    await scan();
    const add = (...fields: string[]) => redis.client.xadd('meta:events', '*', ...fields);
    await add('type', 'scan', 'key', 'file:a1/filePath');
    await add('type', 'del', 'key', 'user:a1/filePath');
    await add('type', 'del', 'key', 'file:__index__');
    await add('type', 'del', 'key', 'file:a1/file.Path');
    await add('key', 'file:a1/filePath');
    await add('type', 'set', 'key', 'file:unknown/title');
    await scan();
    assert.equal(paths().length, 2);
    assert.equal(state().eventsIgnored, 5);
    assert.equal(state().propertiesSkipped, 1);
  });
});

describe('properties', () => {
  const rules = [
    'directories:',
    '  - path: /Films',
    '    where: year>=1970',
    '    place: "{title} ({year}) {titles.eng?}.{ext}"',
  ];

  it('are fetched when rules ask for them, and cost nothing otherwise', async context => {
    const { redis, scan, applyRules, paths, properties, state } = await withFiles(context);
    await scan();
    assert.deepEqual(properties('Movies/Alien.mkv'), {});
    await redis.client.config('RESETSTAT');
    await publish(redis.client, 'b2', { title: 'Aliens', overview: 'long' });
    await scan();
    assert.equal(await calls(redis.client, 'mget'), 0);
    assert.equal(state().propertiesSkipped, 2);
    applyRules(...rules);
    await scan();
    assert.deepEqual(properties('Movies/Alien.mkv'), { title: 'Aliens', year: 1979 });
    assert.deepEqual(paths(), ['Films/Aliens (1979) .mkv']);
    await publish(redis.client, 'b2', { 'titles/eng': 'x', overview: 'longer' });
    await scan();
    assert.deepEqual(properties('Movies/Alien.mkv'), { title: 'Aliens', year: 1979, 'titles.eng': 'x' });
    applyRules();
    await scan();
    assert.deepEqual(properties('Movies/Alien.mkv'), {}, 'what nobody asks for would grow old');
  });

  it('are all kept when asked for', async context => {
    const { redis, scan, properties } = await withFiles(context, { stream: { properties: 'all' } });
    await scan();
    assert.deepEqual(properties('Movies/Alien.mkv'), { fileSize: 9, title: 'Alien', year: 1979 });
    await publish(redis.client, 'b2', { title: null, 'cast/0/name': 'Weaver', ['__proto__']: 'x' });
    await publish(redis.client, 'n', { rare: 'yes' });
    await publish(redis.client, 'n', { filePath: 'n.mkv' });
    await scan();
    assert.deepEqual(Object.entries(properties('Movies/Alien.mkv')), [
      ['__proto__', 'x'],
      ['cast.0.name', 'Weaver'],
      ['fileSize', 9],
      ['year', 1979],
    ]);
    assert.deepEqual(properties('n.mkv'), { rare: 'yes' });
  });

  it('that the user gave stay, and what Redis says lies beneath', async context => {
    const { redis, catalog, scan, file, properties } = await withFiles(context, {
      stream: { properties: 'all' },
    });
    await scan();
    const set = (changes: Record<string, string | null>) =>
      catalog.write(writer => writer.describeFile(file('Movies/Alien.mkv'), { properties: changes }));
    set({ title: 'Mine', mood: 'dark' });
    await publish(redis.client, 'b2', { title: 'Theirs', mood: 'light' });
    await scan();
    assert.deepEqual(properties('Movies/Alien.mkv'), {
      fileSize: 9,
      mood: 'dark',
      title: 'Mine',
      year: 1979,
    });
    await publish(redis.client, 'b2', { title: null, filePath: null });
    await scan();
    await publish(redis.client, 'b2', { title: 'Again', filePath: 'Movies/Alien.mkv' });
    await scan({ hash: 'all' });
    assert.equal(properties('Movies/Alien.mkv').title, 'Mine');
    set({ title: null, mood: null });
    assert.equal(properties('Movies/Alien.mkv').title, 'Again');
    assert.equal(properties('Movies/Alien.mkv').mood, 'light');
  });
});
