/** `facet index …` from outside: what each command prints and means, and what it says when it cannot. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, type Place, users } from '../support/mounted.js';

/** Somebody whom permissions keep out. */
const user = users.at(-1) ?? assert.fail();

const ISO_8601_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A scanned source `docs` with a few files. */
async function withDocs(body: (place: Place) => Promise<void>): Promise<void> {
  await inPlace(user, async place => {
    place.write('a.txt', 'hello');
    place.write('work/Report.pdf', 'x'.repeat(1_500));
    mkdirSync(join(place.source, 'empty'));
    symlinkSync('a.txt', join(place.source, 'link'));
    await place.index();
    await body(place);
  });
}

function objects(lines: string): Record<string, unknown>[] {
  return lines
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
}

/** facet has to fail with this status, one message and one hint on stderr, and nothing on stdout. */
async function fails(place: Place, args: string[], status: number, message: RegExp): Promise<void> {
  const result = await place.facet(...args);
  const said = `${args.join(' ')}: ${result.stdout}${result.stderr}`;
  assert.equal(result.stdout, '', said);
  assert.match(result.stderr, message, said);
  assert.match(result.stderr, /^facet: .+\nhint: .+\n$/, said);
  assert.equal(result.status, status, said);
}

describe('facet index add', () => {
  it('names a folder, given as a path or a file: URL', () =>
    inPlace(user, async place => {
      const folder = (name: string) => {
        mkdirSync(join(place.base, name));
        place.give(join(place.base, name));
        return join(place.base, name);
      };
      const added = async (...args: string[]) =>
        JSON.parse(await place.done('index', 'add', '--json', ...args));
      const options = { include: [], exclude: [], follow: false };
      const one = folder('one');
      assert.deepEqual(await added('one', one), { name: 'one', uri: one, ...options });
      const two = folder('with space');
      assert.equal((await added('two', `file://${two.replace(' ', '%20')}`)).uri, two);
      const three = folder('three');
      assert.equal((await added('three', 'three')).uri, three);
      assert.equal(
        (await added('four', `~/${folder('four').slice(place.base.length + 1)}`)).uri,
        join(place.base, 'four'),
      );
      const globs = ['--include', '*.pdf', '--exclude', 'a', '--exclude', 'b', '--follow'];
      const five = folder('five');
      const wanted = { include: ['*.pdf'], exclude: ['a', 'b'], follow: true };
      assert.deepEqual(await added('Fünf 5', five, ...globs), { name: 'Fünf 5', uri: five, ...wanted });
    }));

  it('says what brings its files: a scan, or whoever keeps it true', () =>
    inPlace(user, async place => {
      const added = (...args: string[]) => place.done('index', 'add', ...args);
      const parts = ['a', 'b', 'c', 'd'].map(name => join(place.source, name));
      for (const folder of parts) mkdirSync(folder);
      const [a = '', b = '', c = '', d = ''] = parts;
      assert.match(await added('a', a), /^added a: .*\nnow list its files: facet index scan a\n$/);
      const kept = /\nits files come while a mount or "facet index watch" runs, or with: facet index scan /;
      assert.match(await added('b', b, '--watch'), kept);
      assert.match(await added('c', c, '--every', '1h'), kept);
      assert.match(await added('d', 'redis://127.0.0.1:1', '--files', d), kept);
    }));

  it('refuses names that cannot be a directory, and places that cannot be a source', () =>
    withDocs(async place => {
      const elsewhere = join(place.base, 'elsewhere');
      mkdirSync(elsewhere);
      place.give(elsewhere);
      for (const name of ['..', 'a/b', 'new\nline', '\u001b[31m', 'x'.repeat(300), ' ']) {
        await fails(place, ['index', 'add', '--', name, elsewhere], 2, /cannot be the name|is too long/);
      }
      await fails(place, ['index', 'add', 'docs', elsewhere], 1, /is a source named docs already/);
      await fails(place, ['index', 'add', 'n', 'ftp://host/folder'], 2, /ftp:.* is no kind of source/);
      await fails(place, ['index', 'add', 'n', 'https://example.com/?a'], 2, /is no folder/);
      await fails(place, ['index', 'add', 'n', 'file://other-host/x'], 2, /file/);
      await fails(place, ['index', 'add', 'n', join(place.base, 'missing')], 5, /does not exist/);
      await fails(place, ['index', 'add', 'n', join(place.source, 'a.txt')], 5, /not a folder/);
      await fails(place, ['index', 'add', 'n', place.source], 2, /is the source docs/);
      await fails(place, ['index', 'add', 'n', join(place.source, 'work')], 2, /is inside the source docs/);
      await fails(place, ['index', 'add', 'n', place.base], 2, /contains the source docs/);
      symlinkSync(join(place.source, 'work'), join(place.base, 'link-to-work'));
      await fails(
        place,
        ['index', 'add', 'n', join(place.base, 'link-to-work')],
        2,
        /is inside the source docs/,
      );
      assert.equal(objects(await place.done('index', 'status', '--json')).length, 1, 'nothing was added');
    }));
});

describe('facet index rm', () => {
  it('forgets a source and leaves its files alone', () =>
    withDocs(async place => {
      assert.deepEqual(JSON.parse(await place.done('index', 'rm', 'docs', '--json')), {
        name: 'docs',
        removed: true,
      });
      assert.equal(await place.done('index', 'ls'), '');
      assert.equal(await place.output('cat', join(place.source, 'a.txt')), 'hello');
      await fails(place, ['index', 'rm', 'docs'], 3, /no source named docs/);
    }));
});

describe('facet index scan', () => {
  it('counts what it found, and then only what changed', () =>
    withDocs(async place => {
      const scan = async () => {
        const { seconds, skipped, unreadable, bytes, ...counts } = JSON.parse(
          await place.done('index', 'scan', '--json'),
        );
        assert.ok(seconds >= 0 && bytes > 0 && skipped && unreadable.length === 0);
        assert.match(String(seconds), /^\d+(\.\d{1,3})?$/);
        return counts;
      };
      const still = { source: 'docs', files: 3, folders: 3, added: 0, modified: 0, renamed: 0, deleted: 0 };
      assert.deepEqual(await scan(), { ...still, unchanged: 3, hashed: 0 });
      place.write('a.txt', 'hello, world');
      place.write('b.txt', '');
      rmSync(join(place.source, 'link'));
      place.give();
      const { added, modified, deleted, unchanged } = await scan();
      assert.deepEqual(
        { added, modified, deleted, unchanged },
        { added: 1, modified: 1, deleted: 1, unchanged: 1 },
      );
    }));
});

describe('facet index ls, search, stat and status', () => {
  it('print objects with the documented fields', () =>
    withDocs(async place => {
      const listed = objects(await place.done('index', 'ls', '/docs', '--json'));
      assert.deepEqual(
        listed.map(({ path, name, type, size }) => [path, name, type, size]),
        [
          ['/docs/a.txt', 'a.txt', 'file', 5],
          ['/docs/empty', 'empty', 'directory', 0],
          ['/docs/link', 'link', 'link', 5],
          ['/docs/work', 'work', 'directory', 0],
        ],
      );
      for (const { mtime, id } of listed) assert.ok(ISO_8601_UTC.test(String(mtime)) && Number(id) >= 1000);
      const [found, ...others] = objects(await place.done('index', 'search', 'rePORT', '--json'));
      assert.equal(others.length, 0);
      assert.equal(found?.path, '/docs/work/Report.pdf');
      const asked = ['name:*.pdf', 'not', 'path:x/**', 'size>1kB', 'type=document source=docs'];
      assert.deepEqual(objects(await place.done('index', 'search', ...asked, '--json')), [found]);
      const stat = JSON.parse(await place.done('index', 'stat', '/docs/work/Report.pdf', '--json'));
      const { id, mtime, mode, ...facts } = stat;
      assert.deepEqual([id, mtime], [found?.id, found?.mtime]);
      assert.match(mode, /^0[0-7]{3}$/);
      assert.deepEqual(facts, {
        paths: ['/docs/work/Report.pdf'],
        source: 'docs',
        sourcePath: 'work/Report.pdf',
        type: 'file',
        size: 1500,
        lastAccess: null,
        accessCount: 0,
        tier: 'local',
        target: null,
        sha256: null,
        mime: 'application/pdf',
        kind: 'document',
        labels: [],
        properties: {},
      });
      assert.deepEqual(JSON.parse(await place.done('index', 'stat', `${id}`, '--json')), stat);
      assert.equal(JSON.parse(await place.done('index', 'stat', '/docs/link', '--json')).target, 'a.txt');
      const [status] = objects(await place.done('index', 'status', '--json'));
      const { lastScan, bytes, ...counts } = status ?? {};
      assert.ok(ISO_8601_UTC.test(String(lastScan)) && Number(bytes) > 1_500);
      assert.deepEqual(counts, {
        name: 'docs',
        uri: place.source,
        files: 3,
        folders: 3,
        unavailable: null,
        hint: null,
      });
    }));

  it('read a path however it is written', () =>
    withDocs(async place => {
      const wanted = await place.done('index', 'ls', '/docs/work');
      for (const path of ['docs/work', '/docs/work/', '//docs///work', '/docs/./work']) {
        assert.equal(await place.done('index', 'ls', path), wanted, path);
      }
      const root = objects(await place.done('index', 'ls', '/', '--json'));
      assert.deepEqual(
        root.map(each => each.path),
        ['/docs'],
      );
      assert.deepEqual(
        objects(await place.done('index', 'ls', '/docs/a.txt', '--json')).map(each => each.path),
        ['/docs/a.txt'],
      );
    }));

  it('say when there is nothing', () =>
    withDocs(async place => {
      const { status, stdout, stderr } = await place.facet('index', 'ls', '/docs/nope', '--json');
      assert.deepEqual([status, stdout], [3, '']);
      assert.deepEqual(JSON.parse(stderr), {
        error: {
          code: 'not-found',
          message: 'there is no /docs/nope in the tree',
          hint: 'list what there is: facet index ls /',
        },
      });
      await fails(place, ['index', 'ls', '/docs/nope'], 3, /no \/docs\/nope in the tree/);
      await fails(place, ['index', 'ls', '/docs/a.txt/below'], 3, /no \/docs\/a.txt\/below in the tree/);
      await fails(place, ['index', 'stat', '/docs/nope'], 3, /no \/docs\/nope in the tree/);
      await fails(place, ['index', 'stat', '999999'], 3, /there is no file 999999/);
      await fails(place, ['index', 'stat', '/docs'], 2, /is a directory/);
      await fails(
        place,
        ['index', 'search', 'report', 'size>1M'],
        2,
        /column 13 of the query: expected a size/,
      );
      await fails(place, ['index', 'search', ''], 2, /the query is empty/);
      const nothing = await place.facet('index', 'search', 'nothing like it', '--json');
      assert.deepEqual([nothing.status, nothing.stdout, nothing.stderr], [0, '', '']);
    }));
});

describe('a catalog', () => {
  it('is where XDG says, readable by its owner alone', () =>
    inPlace(user, async place => {
      const data = join(place.base, 'data');
      const env = { FACET_HOME: '', XDG_DATA_HOME: data };
      const added = await place.facetWith({ env }, 'index', 'add', 'docs', place.source);
      assert.equal(added.status, 0, added.stderr);
      assert.equal(
        await place.output('stat', '-c', '%a', join(data, 'facet'), join(data, 'facet/catalog.db')),
        '700\n600\n',
      );
      const defaults = await place.facetWith(
        { env: { FACET_HOME: '' } },
        'index',
        'add',
        'docs',
        place.source,
      );
      assert.equal(defaults.status, 0, defaults.stderr);
      await place.output('test', '-f', join(place.base, '.local/share/facet/catalog.db'));
    }));
});
