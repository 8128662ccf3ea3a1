/** Listings of random buckets, against what is in them; and paths of random keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FacetError } from '../../../src/errors.js';
import { encodeName } from '../../../src/sources/file-names.js';
import type { RemoteFolder } from '../../../src/sources/remote.js';
import { isBefore, type ListPage, walk } from '../../../src/sources/s3/walk.js';
import { TransientError } from '../../../src/sources/web/transient.js';
import { fails, listed } from '../../contract/remote-source.js';
import { runs } from '../../support/random.js';

const noSignal = () => new AbortController().signal;

/** A bucket in memory, which answers as S3 does, with few keys a page. */
function bucketOf(keys: readonly string[], pageSize: number): { list: ListPage; requests: () => number } {
  const sorted = [...new Set(keys)].sort((one, other) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
  let requests = 0;
  const list: ListPage = async ({ prefix, grouped, after, next }) => {
    requests++;
    const begin = next ?? after ?? '';
    const page = { objects: [], prefixes: [], next: undefined } as Awaited<ReturnType<ListPage>>;
    const told = new Set<string>();
    let last = '';
    for (const key of sorted) {
      const slash = grouped ? key.indexOf('/', prefix.length) : -1;
      const name = slash < 0 ? key : key.slice(0, slash + 1);
      const passed =
        Buffer.compare(Buffer.from(key), Buffer.from(begin)) <= 0 ||
        (grouped && begin.length > prefix.length && begin.endsWith('/') && key.startsWith(begin));
      if (!key.startsWith(prefix) || (begin !== '' && passed) || told.has(name)) continue;
      if (told.size === pageSize) {
        page.next = last;
        break;
      }
      told.add(name);
      last = name;
      if (slash < 0)
        page.objects.push({
          key,
          file: { size: key === 'empty/' ? 0 : key.length, mtimeUs: 0, version: undefined },
        });
      else page.prefixes.push(name);
    }
    return page;
  };
  return { list, requests: () => requests };
}

/** What is told, of which these prefixes cannot be listed. */
function told(list: ListPage, root = '', unreadable: readonly string[] = []): Promise<RemoteFolder[]> {
  return listed({ folders: signal => walk(list, root, signal) }, unreadable);
}

function walked(keys: readonly string[], pageSize: number, root = ''): Promise<RemoteFolder[]> {
  return told(bucketOf(keys, pageSize).list, root);
}

function checkPlaces(folders: readonly RemoteFolder[], keys: readonly string[]): void {
  const paths = folders.map(folder => folder.path);
  assert.equal(new Set(paths).size, paths.length, 'no folder twice');
  const files = folders.flatMap(({ path, files }) =>
    files.map(({ name, key }) => ({ path: path === '' ? name : `${path}/${name}`, key })),
  );
  assert.deepEqual(files.map(({ path, key }) => key ?? path).sort(), [...keys].sort());
  const places = files.map(({ path }) => path);
  assert.equal(new Set(places).size, places.length, 'no two keys in one path');
  const above = new Set(
    places.flatMap(place => place.split('/').map((_, at, all) => all.slice(0, at).join('/'))),
  );
  for (const place of places) {
    assert.ok(!above.has(place), `${place} is a file and a folder`);
    for (const name of place.split('/')) {
      assert.doesNotMatch(name, /^\.{0,2}$|[\0-\x1f\x7f]/);
      assert.ok(encodeName(name).length <= 255, `${name} is too long`);
    }
  }
}

const character = fc.constantFrom(
  '/',
  '/',
  '.',
  'a',
  'b',
  '-',
  '\0',
  '\n',
  '\x7f',
  '\uf000',
  '\uf025',
  '\uf02e',
  '\uf02f',
  '\uef80',
  '\uffff',
  '𝄞',
  'y'.repeat(253),
  '日'.repeat(100),
);
const keys = fc.uniqueArray(
  fc.array(character, { minLength: 1, maxLength: 7 }).map(parts => parts.join('')),
  { maxLength: 60 },
);

test('every key has a path of its own', async () => {
  const property = fc.asyncProperty(keys, fc.integer({ min: 1, max: 20 }), async (keys, pageSize) =>
    checkPlaces(await walked(keys, pageSize), keys),
  );
  await fc.assert(property, runs(500));
});

test('a name that is too long is cut, and keeps its extension', async () => {
  const [folder] = await walked([`${'é'.repeat(200)}.jpg`], 9);
  assert.match(folder?.files[0]?.name ?? '', /^é{110,}\uf07e[\da-f]{16}\.jpg$/);
});

test('what is not below the root is not told', async () => {
  const property = fc.asyncProperty(keys, fc.integer({ min: 1, max: 5 }), async (keys, pageSize) => {
    const inside = keys.filter(key => key.startsWith('a/')).map(key => key.slice(2));
    checkPlaces(await walked(keys, pageSize, 'a/'), inside);
  });
  await fc.assert(property, runs(300));
});

test('keys are compared as UTF-8 is', () => {
  const property = fc.property(keys, keys => {
    for (const key of keys) {
      for (const other of keys) {
        assert.equal(isBefore(key, other), Buffer.compare(Buffer.from(key), Buffer.from(other)) < 0);
      }
    }
  });
  fc.assert(property, runs(100));
});

test('very many folders are listed in groups, few of them deeper', async () => {
  const keys = Array.from({ length: 1000 }, (_, index) => [
    `f${index}/a`,
    `f${index}/b/c`,
    `f${index}.txt`,
    `f${index}-x/y`,
  ]).flat();
  for (const pageSize of [7, 100, 1000]) {
    const bucket = bucketOf(keys, pageSize);
    const folders = await told(bucket.list);
    checkPlaces(folders, keys);
    const least = keys.length / pageSize;
    assert.ok(bucket.requests() < 3 * least + 150, `${bucket.requests()} requests, at least ${least}`);
  }
});

test('empty objects that stand for folders are no files, but take their names', async () => {
  const folders = await walked(['a', 'a/!', 'empty/'], 10);
  assert.deepEqual(
    folders.map(folder => [folder.path, folder.files.map(file => file.name)]),
    [
      ['a', ['!']],
      ['', ['a\uf02f']],
    ],
  );
});

test('keys in no order are an error', async () => {
  const file = { size: 1, mtimeUs: 0, version: undefined };
  const list: ListPage = async () => ({
    objects: ['b', 'a'].map(key => ({ key, file })),
    prefixes: [],
    next: undefined,
  });
  await assert.rejects(async () => {
    for await (const _folder of walk(list, '', noSignal()));
  }, /order/);
});

/** A bucket in which the requests for a prefix fail. */
function failing(list: ListPage, fails: (prefix: string) => Error | undefined): ListPage {
  return async (query, signal) => {
    const error = fails(query.prefix);
    if (error !== undefined) throw error;
    return list(query, signal);
  };
}

const denied = new FacetError('denied', 'cannot read s3://b/: AccessDenied');

test('a prefix that is denied is told, and everything else is listed', async () => {
  const property = fc.asyncProperty(keys, fc.integer({ min: 1, max: 4 }), async (keys, pageSize) => {
    const { list } = bucketOf([...keys, 'closed/a', 'closed/b/c', 'x', 'y', 'z'], pageSize);
    const closed = failing(list, prefix => (prefix.startsWith('closed/') ? denied : undefined));
    const folders = await told(closed, '', ['closed']);
    checkPlaces(folders, [...keys, 'x', 'y', 'z']);
  });
  await fc.assert(property, runs(100));
});

test('a group of neighbours of which one page fails leaves the folder above them unreadable', async () => {
  const all = Array.from({ length: 400 }, (_, index) => `f${index}/a`);
  const { list } = bucketOf(all, 3);
  let flat = 0;
  const once: ListPage = async (query, signal) => {
    if (!query.grouped && query.next !== undefined && flat++ === 20) throw denied;
    return list(query, signal);
  };
  const folders = await told(once, '', ['']);
  const paths = folders.map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length, 'no folder twice');
  assert.ok(paths.length > 300 && paths.length < 400, `${paths.length} folders`);
});

test('where one prefix after another fails, it is the server that is away', async () => {
  const { list } = bucketOf(
    Array.from({ length: 50 }, (_, index) => `f${index}/a`),
    7,
  );
  const away = failing(list, prefix => (prefix === '' ? undefined : new TransientError('away')));
  await assert.rejects(told(away), fails('unreachable', /away/));
  const gone = failing(list, prefix =>
    prefix === 'f7/' ? new FacetError('not-found', 'NoSuchBucket') : undefined,
  );
  await assert.rejects(told(gone), fails('not-found'));
});

test('one failing request ends the listing with its error, and the others', async () => {
  const { list } = bucketOf(
    Array.from({ length: 500 }, (_, index) => `d${index % 40}/${index}`),
    10,
  );
  const failing: ListPage = async (query, signal) => {
    signal.throwIfAborted();
    if (query.prefix === 'd7/') throw new Error('broken');
    return list(query, signal);
  };
  await assert.rejects(async () => {
    for await (const _folder of walk(failing, '', noSignal()));
  }, /broken/);
});

test('a listing that nobody goes on with asks no more', async () => {
  const bucket = bucketOf(
    Array.from({ length: 5000 }, (_, index) => `d${index % 50}/e${index % 100}/${index}`),
    10,
  );
  for await (const _folder of walk(bucket.list, '', noSignal())) break;
  const requests = bucket.requests();
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.ok(bucket.requests() - requests < 40, `${bucket.requests() - requests} requests more`);
});
