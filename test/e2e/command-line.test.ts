/** The command line around the catalog: exit statuses, what is printed where, and what a user is told to do next. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { inPlace, type Place, type Result, type Running, users } from '../support/mounted.js';
import { isRoot } from '../support/processes.js';

const user = users[0] ?? assert.fail();

/** A scanned source `docs` with these files, each with its path as its contents. */
async function withFiles(paths: string[], body: (place: Place) => Promise<void>): Promise<void> {
  await inPlace(user, async place => {
    for (const path of paths) place.write(path, path);
    await place.index();
    await body(place);
  });
}

async function fails(place: Place, status: number, message: RegExp, ...args: string[]): Promise<Result> {
  const result = await place.facet(...args);
  assertFailed(result, status, message);
  return result;
}

function assertFailed({ status, stdout, stderr }: Result, expected: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.match(stderr, /\nhint: ./);
  assert.doesNotMatch(stderr, /internal error|\n {4}at /);
  assert.deepEqual([status, stdout], [expected, ''], stderr);
}

/** Runs facet as one for whom permissions hold, even where root runs the tests. */
function facetWithoutPrivileges(place: Place, ...args: string[]): Promise<Result> {
  const drop = isRoot ? 'setpriv --bounding-set=-dac_override,-dac_read_search --' : '';
  return place.run('sh', ['-c', `exec ${drop} ${place.shellCommand} "$@"`, 'sh', ...args]);
}

/** Starts a scan that has a lot to do; returns it when another one was refused for it. */
async function scanUnderWay(place: Place): Promise<{ running: Running; refused: Result }> {
  truncateSync(place.write('big', ''), 2 ** 36);
  for (;;) {
    const running = place.startFacet(['index', 'scan', '--hash']);
    for (const { process } = running; process.exitCode === null; await wait(100)) {
      const refused = await place.facet('index', 'scan');
      if (refused.status === 7) return { running, refused };
    }
    // Of the two, it was this one that came second.
    assert.equal((await running.ended).status, 7);
  }
}

function objects(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

/** The commands that look at the catalog and change nothing. */
const LOOKING = [
  ['index', 'ls'],
  ['index', 'search', 'a'],
  ['index', 'stat', '/docs/a.txt'],
  ['index', 'status'],
  ['fetch', '/docs/a.txt', '--stdout'],
];

describe('facet index', { concurrency: 2 }, () => {
  it('prints objects that parse, for every command', () =>
    withFiles(['a.txt', 'sub/b.txt'], async place => {
      const printed: [string[], number, Record<string, unknown>][] = [
        [['index', 'ls', '/docs'], 2, { path: '/docs/a.txt', name: 'a.txt', type: 'file', size: 5 }],
        [['index', 'search', 'B.TX'], 1, { path: '/docs/sub/b.txt', size: 9 }],
        [
          ['index', 'stat', '/docs/a.txt'],
          1,
          { paths: ['/docs/a.txt'], source: 'docs', sourcePath: 'a.txt', target: null },
        ],
        [['index', 'status'], 1, { name: 'docs', uri: place.source, files: 2, unavailable: null }],
        [['index', 'scan'], 1, { source: 'docs', files: 2, added: 0, unchanged: 2, unreadable: [] }],
        [
          ['fetch', '/docs/a.txt', '-o', 'out'],
          1,
          { path: '/docs/a.txt', output: 'out', status: 'fetched', bytes: 5 },
        ],
        [['cache', 'status'], 1, {}],
        [['index', 'rm', 'docs'], 1, { name: 'docs', removed: true }],
        [['index', 'add', 'again', place.source], 1, { name: 'again', uri: place.source, follow: false }],
      ];
      for (const [args, count, expected] of printed) {
        const { status, stdout, stderr } = await place.facet(...args, '--json');
        const told = objects(stdout);
        assert.deepEqual([status, stderr, told.length], [0, '', count], args.join(' '));
        const first = told.find(each => each.type !== 'directory') ?? {};
        assert.deepEqual(Object.fromEntries(Object.keys(expected).map(key => [key, first[key]])), expected);
        assert.match(
          JSON.stringify(first.mtime ?? '1970-01-01T00:00:00.000Z'),
          /\d{4}-\d\d-\d\dT[\d:.]{12}Z/,
        );
      }
    }));

  it('refuses to cache files of folders, which are never cached', () =>
    withFiles(['a.txt'], async place => {
      for (const verb of ['warm', 'pin', 'unpin', 'evict']) {
        await fails(place, 2, /none of these files is at a remote source/, 'cache', verb, '/docs');
      }
    }));

  it('says nothing with --quiet when all is well, and prints what it was asked for', () =>
    withFiles(['a.txt'], async place => {
      const changing = [
        ['index', 'scan'],
        ['index', 'edit', 'docs', '--watch'],
        ['index', 'set', '/docs/a.txt', 'title=A'],
        ['index', 'label', 'add', '/docs/a.txt', 'x'],
        ['index', 'label', 'rm', '/docs/a.txt', 'x'],
        ['fetch', '/docs/a.txt', '-o', 'out'],
        ['rules', 'init'],
        ['rules', 'apply'],
        ...['pin', 'unpin', 'evict', 'warm'].map(change => ['cache', change, '--query', 'cached']),
        ['cache', 'clear'],
        ['cache', 'verify'],
        ['index', 'rm', 'docs'],
        ['index', 'add', 'again', place.source],
      ];
      for (const args of changing) {
        const { status, stdout, stderr } = await place.facet(...args, '--quiet');
        assert.deepEqual([status, stdout, stderr], [0, '', ''], args.join(' '));
      }
      for (const args of [
        ['index', 'status'],
        ['cache', 'status'],
        ['rules', 'show'],
      ]) {
        assert.notEqual(await place.done(...args, '--quiet'), '', args.join(' '));
      }
    }));

  it('prints errors as one object, with the code, the message and the hint', () =>
    withFiles(['a.txt'], async place => {
      const { status, stdout, stderr } = await place.facet('index', 'ls', '/none', '--json');
      assert.deepEqual([status, stdout], [3, '']);
      assert.deepEqual(JSON.parse(stderr), {
        error: {
          code: 'not-found',
          message: 'there is no /none in the tree',
          hint: 'list what there is: facet index ls /',
        },
      });
    }));

  it('refuses what cannot be a source, with the reason', () =>
    withFiles(['a.txt', 'sub/b.txt'], async place => {
      await fails(place, 3, /there is no source.*other/, 'index', 'scan', 'other');
      await fails(place, 3, /there is no source.*other/, 'index', 'rm', 'other');
      await fails(place, 2, /ftp:.* is no kind of source/, 'index', 'add', 'bucket', 'ftp://bucket/prefix');
      await fails(place, 2, /is inside the source docs/, 'index', 'add', 'sub', join(place.source, 'sub'));
      await fails(place, 2, /contains the source docs/, 'index', 'add', 'above', place.base);
      symlinkSync(join(place.source, 'sub'), join(place.base, 'link'));
      await fails(place, 2, /is inside the source docs/, 'index', 'add', 'linked', join(place.base, 'link'));
      await fails(place, 1, /docs/, 'index', 'add', 'docs', place.mountpoint);
      await fails(place, 5, /it does not exist/, 'index', 'add', 'new', join(place.base, 'none'));
      await fails(place, 5, /not a folder/, 'index', 'add', 'new', join(place.source, 'a.txt'));
      const names = objects(await place.done('index', 'status', '--json')).map(each => each.name);
      assert.deepEqual(names, ['docs']);
    }));
});

describe('facet index scan', { concurrency: 2 }, () => {
  it('is silent without a terminal when all is well', () =>
    withFiles(['a.txt'], async place => {
      for (const args of [
        ['index', 'scan'],
        ['index', 'scan', '--hash'],
        ['index', 'scan', '--full', 'docs'],
      ]) {
        const { status, stdout, stderr } = await place.facet(...args);
        assert.deepEqual([status, stdout, stderr], [0, '', '']);
      }
      await place.output('mkfifo', join(place.source, 'fifo'));
      const { status, stderr } = await place.facet('index', 'scan');
      assert.deepEqual([status, stderr], [0, ''], 'a FIFO is nothing that is wrong');
    }));

  it('says what it cannot read, and keeps what is known of it: 4', () =>
    withFiles(['a.txt', 'closed/b.txt', 'closed/below/c.txt'], async place => {
      const closed = join(place.source, 'closed');
      chmodSync(closed, 0);
      try {
        const result = await facetWithoutPrivileges(place, 'index', 'scan');
        assertFailed(
          result,
          4,
          /^facet: warning: docs: cannot read closed: .+\nfacet: 1 .*could not be read/,
        );
        const told = await facetWithoutPrivileges(place, 'index', 'scan', '--json');
        assert.equal(told.status, 4);
        assert.deepEqual(
          objects(told.stdout).map(each => each.deleted),
          [0],
        );
        assert.equal(objects(told.stderr).length, 2);
        const found = await place.done('index', 'search', '.txt', '--json');
        assert.equal(objects(found).length, 3);
      } finally {
        chmodSync(closed, 0o755);
      }
      assert.equal((await place.facet('index', 'scan')).status, 0);
    }));

  it('goes on with the other sources when one is gone: 4; when it is the only one: 5', () =>
    withFiles(['a.txt'], async place => {
      const other = join(place.base, 'other');
      mkdirSync(other);
      writeFileSync(join(other, 'new.txt'), '');
      await place.done('index', 'add', 'other', other);
      renameSync(place.source, `${place.source}.away`);
      assertFailed(await place.facet('index', 'scan', 'docs'), 5, /source: it does not exist/);
      const result = await place.facet('index', 'scan');
      assert.equal(result.status, 4, result.stderr);
      assert.match(
        result.stderr,
        /^facet: warning: docs: cannot list .*source: it does not exist\nhint: .*\nfacet: 1 of 2 sources/,
      );
      const found = objects(await place.done('index', 'search', '.txt', '--json'));
      assert.deepEqual(found.map(each => each.path).sort(), ['/docs/a.txt', '/other/new.txt']);
      assert.match(await place.done('index', 'status'), /unavailable: /);
    }));

  it('does not run twice at once: 7; a scan that was killed keeps nobody out', () =>
    withFiles([], async place => {
      const { running, refused } = await scanUnderWay(place);
      assertFailed(refused, 7, /another process is scanning docs/);
      assert.equal(objects(await place.done('index', 'status', '--json')).length, 1, 'others can look');
      running.process.kill('SIGKILL');
      await running.ended;
      assert.equal((await place.facet('index', 'scan')).status, 0);
    }));

  it('that is stopped by SIGINT ends with 130 and one line', () =>
    withFiles([], async place => {
      const { running } = await scanUnderWay(place);
      running.process.kill('SIGINT');
      const { status, stdout, stderr } = await running.ended;
      assert.deepEqual([status, stdout, stderr], [130, '', 'facet: stopped by SIGINT\n']);
    }));
});

describe('a catalog', { concurrency: 2 }, () => {
  it('that does not exist: 3, and nothing is created by looking', () =>
    inPlace(user, async place => {
      for (const args of [
        ...LOOKING,
        ['index', 'scan'],
        ['index', 'rm', 'docs'],
        ['mount', place.mountpoint],
      ]) {
        await fails(place, 3, /there is no catalog at .*catalog\.db yet\nhint: add a source first/, ...args);
      }
      await place.output('test', '!', '-e', place.home);
    }));

  it('that is damaged: 6, and it stays as it is', () =>
    withFiles(['a.txt'], async place => {
      const catalog = join(place.home, 'catalog.db');
      const garbage = 'this is no database at all\n'.repeat(200);
      writeFileSync(catalog, garbage);
      for (const args of [...LOOKING, ['index', 'scan'], ['index', 'add', 'new', place.mountpoint]]) {
        await fails(
          place,
          6,
          /the catalog .*catalog\.db is not a catalog, or damaged.*\nhint: move it away/,
          ...args,
        );
      }
      assert.equal(readFileSync(catalog, 'utf8'), garbage);
    }));

  it('of a later version: 1, and it stays as it is', () =>
    withFiles(['a.txt'], async place => {
      const db = new SqliteDatabase(join(place.home, 'catalog.db'));
      try {
        db.pragma('user_version = 999');
        for (const args of [...LOOKING, ['index', 'scan'], ['mount', place.mountpoint]]) {
          await fails(place, 1, /catalog\.db is of version 999; .*\nhint: upgrade facet/, ...args);
        }
        assert.equal(db.pragma('user_version', { simple: true }), 999);
      } finally {
        db.close();
      }
    }));

  it('whose home is a file, or cannot be written', () =>
    inPlace(user, async place => {
      writeFileSync(place.home, 'mine');
      await fails(place, 1, /home/, 'index', 'add', 'docs', place.source);
      assert.equal(readFileSync(place.home, 'utf8'), 'mine');
      const closed = join(place.base, 'closed');
      mkdirSync(closed, { mode: 0o555 });
      for (const home of [closed, join(closed, 'below')]) {
        const result = await facetWithoutPrivileges(
          place,
          'index',
          'add',
          'docs',
          place.source,
          '--home',
          home,
        );
        assertFailed(result, 1, /cannot .*permission denied/i);
      }
    }));
});

describe('listings', { concurrency: 2 }, () => {
  it('end quietly when nobody reads on, whatever their length', () =>
    inPlace(user, async place => {
      const count = 50_000;
      const script = 'mkdir "$1/many" && cd "$1/many" && seq 1 "$2" | xargs touch';
      await place.output('sh', '-c', script, 'sh', place.source, String(count));
      await place.index();
      const facet = `${place.shellCommand} index ls /docs/many --json`;
      const piped = await place.run('bash', ['-c', `${facet} | head -1; echo "\${PIPESTATUS[0]}"`]);
      const [first = '', status] = piped.stdout.split('\n');
      assert.deepEqual([JSON.parse(first).type, status, piped.stderr], ['file', '0', '']);
      assert.equal((await place.run('sh', ['-c', `${facet} | wc -l`])).stdout.trim(), String(count));
    }));

  it('never bring escape sequences of a name to a terminal, and leave names alone elsewhere', () =>
    inPlace(user, async place => {
      const name = 'red\u001b[31m\u009b2J\u0007\n\u202egpj.exe';
      place.write(name, 'contents');
      place.write(`${name}.d/file`, '');
      symlinkSync(name, join(place.source, `${name}.link`));
      await place.index();
      const docs = `/docs/${name}`;
      const commands = [
        ['index', 'ls', '/docs'],
        ['index', 'search', 'red'],
        ['index', 'stat', docs],
        ['index', 'stat', `${docs}.link`],
        ['index', 'stat', `${docs}.d`],
        ['index', 'ls', `${docs}.none`],
        ['fetch', `${docs}.none`, '-o', 'out'],
        ['fetch', docs, `${docs}.none`, '-o', 'out/'],
        ['index', 'scan', name],
        ['index', 'add', name, join(place.base, name)],
      ];
      for (const args of commands) {
        const words = args.map(word => `'${word}'`).join(' ');
        const { stdout } = await place.run('script', [
          '-qec',
          `${place.shellCommand} --no-color ${words}`,
          '/dev/null',
        ]);
        assert.match(stdout, /\\x1b\[31m/, words);
        assert.doesNotMatch(stdout, /\u001b\[31m|\u009b|\u0007|\u202e/, words);
      }
      assert.ok((await place.done('index', 'ls', '/docs')).includes(name));
      const [listed] = objects(await place.done('index', 'search', 'red', '--json'));
      assert.ok(String(listed?.path).includes(name));
    }));

  it('of a scan on a terminal say what was found', () =>
    withFiles(['a.txt'], async place => {
      const scan = `${place.shellCommand} index scan`;
      const { status, stdout } = await place.run('script', ['-qec', scan, '/dev/null']);
      assert.equal(status, 0);
      assert.match(stdout, /docs: 1 file, 5 B: no changes/);
      const quiet = await place.run('script', ['-qec', `${scan} --quiet`, '/dev/null']);
      assert.doesNotMatch(quiet.stdout, /docs/);
    }));
});
