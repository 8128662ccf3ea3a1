/** `facet fetch` as a user runs it: what arrives, under which name, and what is there when something goes wrong. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inPlace, mountsBelow, type Place, type Result, type Running, users } from '../support/mounted.js';

const user = users[0] ?? assert.fail();

/** A scanned source with these files, by their paths. */
async function withFiles(
  files: Record<string, string | Buffer>,
  body: (place: Place, out: string) => Promise<void>,
): Promise<void> {
  await inPlace(user, async place => {
    for (const [path, contents] of Object.entries(files)) place.write(path, contents);
    await place.index();
    await body(place, join(place.base, 'out'));
  });
}

/** Every file and link below a folder: path → contents, or `-> target`. Names that are not UTF-8 as latin1. */
function filesBelow(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: Buffer, prefix: string) => {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const below = Buffer.concat([path, Buffer.from('/'), name]);
      const text = name.toString('utf8').includes('\ufffd') ? name.toString('latin1') : name.toString('utf8');
      const stats = lstatSync(below);
      if (stats.isDirectory()) visit(below, `${prefix}${text}/`);
      else if (stats.isSymbolicLink()) found[prefix + text] = `-> ${readlinkSync(below)}`;
      else found[prefix + text] = readFileSync(below, 'utf8');
    }
  };
  if (existsSync(folder)) visit(Buffer.from(folder), '');
  return found;
}

interface Line {
  path: string;
  output?: string;
  status: string;
  bytes?: number;
  error?: { code: string; message: string; hint?: string };
}

function lines({ stdout }: Result): Line[] {
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

async function fetched(place: Place, ...args: string[]): Promise<Line[]> {
  const result = await place.facet('fetch', '--json', ...args);
  assert.deepEqual([result.status, result.stderr], [0, '']);
  return lines(result);
}

async function fails(place: Place, status: number, message: RegExp, ...args: string[]): Promise<Result> {
  const result = await place.facet('fetch', ...args);
  assert.match(result.stderr, message);
  assert.equal(result.status, status, result.stderr);
  return result;
}

const isPart = (name: string) => name.endsWith('.facet-part');

function partsIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter(isPart) : [];
}

describe('facet fetch writes', { concurrency: 2 }, () => {
  const docs = { 'a.txt': 'alpha', 'b.txt': 'beta', 'sub/c.txt': 'gamma', 'sub/deep/d.txt': 'delta' };

  it('a file under another name, into a folder, and into the current folder', () =>
    withFiles(docs, async (place, out) => {
      mkdirSync(out);
      await place.done('fetch', '/docs/a.txt', '-o', join(out, 'renamed'));
      await place.done('fetch', '/docs/a.txt', '-o', out);
      await place.done('fetch', '/docs/a.txt', '-o', join(out, 'new/'));
      const { status } = await place.facetWith({ cwd: out }, 'fetch', '/docs/b.txt', '/docs/sub/c.txt');
      assert.equal(status, 0);
      assert.deepEqual(filesBelow(out), {
        renamed: 'alpha',
        'a.txt': 'alpha',
        'new/a.txt': 'alpha',
        'b.txt': 'beta',
        'c.txt': 'gamma',
      });
    }));

  it('all that is below a directory, below the name of the directory', () =>
    withFiles(docs, async (place, out) => {
      const told = await fetched(place, '/docs/sub', '-o', out, '--parallel', '1');
      assert.deepEqual(told, [
        { path: '/docs/sub/c.txt', output: join(out, 'sub/c.txt'), status: 'fetched', bytes: 5 },
        { path: '/docs/sub/deep/d.txt', output: join(out, 'sub/deep/d.txt'), status: 'fetched', bytes: 5 },
      ]);
      assert.deepEqual(filesBelow(out), { 'sub/c.txt': 'gamma', 'sub/deep/d.txt': 'delta' });
      await place.done('fetch', '/', '-o', join(out, 'all'), '--parallel', '64');
      assert.deepEqual(Object.values(filesBelow(join(out, 'all/docs'))).sort(), Object.values(docs).sort());
    }));

  it('what a glob matches, in the folders below its fixed part', () =>
    withFiles({ ...docs, '.hidden.txt': 'hidden', 'e.md': '' }, async (place, out) => {
      const expected: Record<string, string[]> = {
        '/docs/*.txt': ['.hidden.txt', 'a.txt', 'b.txt'],
        '/docs/**/*.txt': ['.hidden.txt', 'a.txt', 'b.txt', 'sub/c.txt', 'sub/deep/d.txt'],
        '/docs/**': ['.hidden.txt', 'a.txt', 'b.txt', 'e.md', 'sub/c.txt', 'sub/deep/d.txt'],
        '/docs/{a.txt,sub/c.txt}': ['a.txt', 'sub/c.txt'],
        '/docs/[ab].txt': ['a.txt', 'b.txt'],
        '/docs/sub/?.txt': ['c.txt'],
        '/*/sub/**/d*': ['docs/sub/deep/d.txt'],
      };
      for (const [nth, [glob, names]] of Object.entries(expected).entries()) {
        await place.done('fetch', glob, '-o', join(out, String(nth)));
        assert.deepEqual(Object.keys(filesBelow(join(out, String(nth)))).sort(), names, glob);
      }
      await fails(place, 3, /there is no \/docs\/\*\.jpg in the tree\nhint: /, '/docs/*.jpg', '-o', out);
    }));

  it('any name: glob characters, spaces, newlines, emoji, bytes that are no UTF-8, 255 bytes', () =>
    inPlace(user, async (place: Place) => {
      const out = join(place.base, 'out');
      const names = [
        '*',
        '[a].txt',
        '{b,c}',
        'new\nline',
        '-o',
        '!not',
        'back\\slash',
        '🎬',
        'x'.repeat(255),
        '%41',
      ];
      for (const name of names) place.write(`odd/${name}`, name);
      writeFileSync(Buffer.from(`${place.source}/odd/latin-\xe9`, 'latin1'), 'latin');
      place.write('[old]/in', 'in');
      await place.index();
      const all = Object.fromEntries([...names, 'latin-\xe9'].map(name => [`odd/${name}`, name]));
      all['odd/latin-\xe9'] = 'latin';
      await place.done('fetch', '/docs/odd', '-o', out);
      assert.deepEqual(filesBelow(out), all);
      await place.done('fetch', '/docs/**', '-o', join(out, 'glob'));
      assert.deepEqual(filesBelow(join(out, 'glob')), { ...all, '[old]/in': 'in' });
      const told = await fetched(place, ...names.map(name => `/docs/odd/${name}`), '-o', join(out, 'each/'));
      assert.deepEqual(told.map(each => each.path).sort(), names.map(name => `/docs/odd/${name}`).sort());
      assert.deepEqual(Object.keys(filesBelow(join(out, 'each'))).sort(), [...names].sort());
      for (const [pattern, contents] of [
        ['/docs/\\[old\\]/*', 'in'],
        ['/docs/odd/\\[a\\].*', '[a].txt'],
        ['/docs/odd/!n*', '!not'],
      ] as const) {
        assert.equal(await place.done('fetch', pattern, '--stdout'), contents, pattern);
      }
    }));

  it('the time and the permissions of the original, so that the second time nothing is copied', () =>
    inPlace(user, async (place: Place) => {
      const out = join(place.base, 'out');
      const times = [0, 0.5, 1, 1_700_000_000.123_457, 1_234_567_890.000_001, 1_600_000_000.999_999, 2 ** 32];
      for (let nth = 0; nth < 200; nth++) times.push(1_500_000_000 + nth * 86_399.987_654_3);
      for (const [nth, time] of times.entries()) utimesSync(place.write(`${nth}`, 'x'), time, time);
      await place.output('touch', '-d', '1935-02-03T04:05:06.789012Z', place.write('old', 'x'));
      await place.output('chmod', '751', join(place.source, '0'));
      await place.index();
      await place.done('fetch', '/docs/**', '-o', out);
      assert.equal(statSync(join(out, '0')).mode & 0o777, 0o751);
      assert.equal(statSync(join(out, 'old')).mtime.toISOString(), '1935-02-03T04:05:06.789Z');
      const again = await fetched(place, '/docs/**', '-o', out);
      assert.deepEqual(
        new Set(again.map(({ status, bytes }) => `${status} ${bytes}`)),
        new Set(['unchanged 0']),
      );
      assert.equal(again.length, times.length + 1);
    }));

  it('and shows on a terminal how far it is, of all there is, and nothing of it elsewhere', () =>
    withFiles({ 'a.txt': 'x'.repeat(3000), 'b.txt': 'y'.repeat(2000) }, async (place, out) => {
      await place.done('fetch', '/docs/a.txt', '-o', `${out}/docs/`);
      const fetch = `${place.shellCommand} fetch /docs -o ${out}`;
      const { status, stdout } = await place.run('script', ['-qec', fetch, '/dev/null']);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /fetching .* 100% +5\.0 kB \/ 5\.0 kB/);
      assert.match(stdout, /fetched 1 file, 2\.0 kB, 1 file already there/);
    }));

  it('links as links, and reads nothing through them', () =>
    withFiles({ 'real/file': 'contents' }, async (place, out) => {
      symlinkSync('real/file', join(place.source, 'link'));
      symlinkSync('/etc/passwd', join(place.source, 'away'));
      symlinkSync('nowhere', join(place.source, 'dangling'));
      await place.done('index', 'scan');
      for (const status of ['fetched', 'unchanged']) {
        const told = await fetched(place, '/docs/*', '-o', out);
        assert.deepEqual(
          told.map(each => each.status),
          [status, status, status],
        );
      }
      const links = { away: '-> /etc/passwd', dangling: '-> nowhere', link: '-> real/file' };
      assert.deepEqual(filesBelow(out), links);
      rmSync(join(out, 'link'));
      symlinkSync('other', join(out, 'link'));
      await fails(place, 1, /is there already/, '/docs/link', '-o', out);
      await place.done('fetch', '/docs/link', '-o', out, '--force');
      assert.deepEqual(filesBelow(out), links);
    }));
});

describe('facet fetch --stdout and --range', { concurrency: 2 }, () => {
  const files = { 'a.txt': '0123456789', 'b.txt': 'beta', empty: '' };

  it('writes several files one after the other, and nothing else', () =>
    withFiles(files, async place => {
      const { stdout, stderr } = await place.facet(
        'fetch',
        '/docs/b.txt',
        '/docs/a.txt',
        '/docs/empty',
        '--stdout',
      );
      assert.deepEqual([stdout, stderr], ['beta0123456789', '']);
      assert.equal(await place.done('fetch', '/docs/*', '--stdout'), '0123456789beta');
      await fails(place, 3, /there is no \/docs\/none/, '/docs/none', '--stdout');
      await fails(place, 2, /cannot go together/, '/docs/a.txt', '--stdout', '-o', 'x');
      const head = await place.run('sh', [
        '-c',
        `${place.shellCommand} fetch /docs/a.txt --stdout | head -c 1`,
      ]);
      assert.deepEqual([head.stdout, head.stderr], ['0', '']);
    }));

  it('takes every form of a range, on stdout and on disk', () =>
    withFiles(files, async (place, out) => {
      const ranges = {
        '0-0': '0',
        '2-4': '234',
        '7-': '789',
        '-3': '789',
        '-99': '0123456789',
        '5-99': '56789',
      };
      for (const [range, expected] of Object.entries(ranges)) {
        assert.equal(
          await place.done('fetch', '/docs/a.txt', '--stdout', `--range=${range}`),
          expected,
          range,
        );
        const [told] = await fetched(place, '/docs/a.txt', '-o', out, '--force', `--range=${range}`);
        assert.deepEqual([told?.status, told?.bytes], ['fetched', expected.length]);
        assert.equal(readFileSync(out, 'utf8'), expected, range);
      }
      assert.equal(await place.done('fetch', '/docs/empty', '--stdout', '--range', '0-'), '');
      await fails(place, 1, /is there already/, '/docs/a.txt', '-o', out, '--range', '0-1');
      assert.deepEqual(readdirSync(place.base).filter(isPart), []);
    }));

  it('refuses what is no range, or lies behind the end', () =>
    withFiles(files, async (place, out) => {
      for (const range of ['4-2', '-', 'a-b', '', '1-2-3']) {
        await fails(place, 2, /range/, '/docs/a.txt', '-o', out, `--range=${range}`);
      }
      await fails(
        place,
        2,
        /begins at 10, but the file has 10 bytes/,
        '/docs/a.txt',
        '-o',
        out,
        '--range',
        '10-',
      );
      for (const parallel of ['0', '65']) {
        await fails(place, 2, /from 1 to 64/, '/docs/a.txt', '-o', out, '--parallel', parallel);
      }
      for (const rate of ['0', '0MB']) {
        await fails(place, 2, /--limit-rate.*such as 5MB.*\nhint: /, '/docs/a.txt', `--limit-rate=${rate}`);
      }
      assert.equal(existsSync(out), false);
    }));
});

describe('facet fetch never overwrites', { concurrency: 2 }, () => {
  it('another file without --force', () =>
    withFiles({ 'a.txt': 'new', 'sub/b.txt': 'b' }, async (place, out) => {
      mkdirSync(out);
      writeFileSync(join(out, 'a.txt'), 'mine');
      await fails(
        place,
        1,
        /a\.txt is there already, and is another\nhint: .*--force/,
        '/docs/a.txt',
        '-o',
        out,
      );
      assert.deepEqual(filesBelow(out), { 'a.txt': 'mine' });
      const [told] = await fetched(place, '/docs/a.txt', '-o', out, '--force');
      assert.deepEqual([told?.status, told?.bytes], ['fetched', 3]);
      assert.deepEqual(filesBelow(out), { 'a.txt': 'new' });
    }));

  it('a folder, even with --force, nor a file that is in the way of a folder', () =>
    withFiles({ 'a.txt': 'new', 'sub/b.txt': 'b' }, async (place, out) => {
      mkdirSync(join(out, 'a.txt'), { recursive: true });
      writeFileSync(join(out, 'sub'), 'mine');
      for (const force of [[], ['--force']]) {
        await fails(place, 1, /is there already/, '/docs/a.txt', '-o', out, ...force);
        await fails(place, 1, /sub/, '/docs/sub', '-o', out, ...force);
        await fails(place, 1, /a\.txt/, '/docs/a.txt', '-o', out, '--range', '0-1', ...force);
      }
      assert.deepEqual(filesBelow(out), { sub: 'mine' });
      assert.equal(statSync(join(out, 'a.txt')).isDirectory(), true);
    }));

  it('a FIFO, a socket, or a link to a device, even with --force', () =>
    withFiles({ 'a.txt': 'new' }, async (place, out) => {
      mkdirSync(out);
      const names = ['fifo', 'socket', 'null'].map(name => join(out, name));
      const [fifo = '', socket = '', link = ''] = names;
      await place.output('mkfifo', fifo);
      const server = createServer().listen(socket);
      await once(server, 'listening');
      symlinkSync('/dev/null', link);
      place.give(out);
      symlinkSync('a.txt', join(place.source, 'link'));
      await place.done('index', 'scan');
      for (const name of names) {
        const refusal = /is there already, and is no regular file\nhint: .*--stdout/;
        await fails(place, 1, refusal, '/docs/a.txt', '-o', name);
        await fails(place, 1, refusal, '/docs/a.txt', '-o', name, '--force');
        await fails(place, 1, refusal, '/docs/a.txt', '-o', name, '--force', '--range', '0-1');
        await fails(place, 1, refusal, '/docs/link', '-o', name, '--force');
      }
      server.close();
      assert.ok(lstatSync(fifo).isFIFO() && lstatSync(link).isSymbolicLink());
      assert.deepEqual(partsIn(out), []);
    }));

  it('a file that is where a folder should be, however that is named', () =>
    withFiles({ 'a.txt': 'new' }, async (place, out) => {
      writeFileSync(out, 'mine');
      for (const name of ['x', 'x/', 'x/y']) {
        const output = join(out, name);
        await fails(place, 1, /out is there already, and is no folder\nhint: /, '/docs/a.txt', '-o', output);
      }
      assert.equal(readFileSync(out, 'utf8'), 'mine');
    }));

  it('what a link leads to: with --force the link is replaced', () =>
    withFiles({ 'a.txt': 'new' }, async (place, out) => {
      mkdirSync(out);
      for (const file of ['mine', 'a.txt']) writeFileSync(join(out, file), 'mine');
      for (const [link, target] of [
        ['link', 'mine'],
        ['dangling', 'nowhere'],
      ] as const) {
        symlinkSync(target, join(out, link));
        await fails(place, 1, /is there already, and is another/, '/docs/a.txt', '-o', join(out, link));
        await place.done('fetch', '/docs/a.txt', '-o', join(out, link), '--force');
      }
      symlinkSync('a.txt', join(place.source, 'to-a'));
      await place.done('index', 'scan');
      await place.done('fetch', '/docs/to-a', '-o', join(out, 'a.txt'), '--force');
      assert.deepEqual(filesBelow(out), {
        mine: 'mine',
        link: 'new',
        dangling: 'new',
        'a.txt': '-> a.txt',
      });
    }));

  it('one of its own files with another: two of the same name for one folder', () =>
    withFiles({}, async (place, out) => {
      for (let nth = 0; nth < 8; nth++) {
        const file = place.write(`${nth}/same`, String(nth).repeat(3 << 20));
        utimesSync(file, nth, nth);
      }
      place.write('8/same', 'y');
      await place.done('index', 'scan');
      const paths = Array.from({ length: 8 }, (_, nth) => `/docs/${nth}/same`);
      const result = await place.facet('fetch', '--json', ...paths, '-o', `${out}/`, '--parallel', '8');
      assert.equal(result.status, 4, result.stderr);
      const told = lines(result);
      const arrived = told.filter(each => each.status === 'fetched');
      assert.equal(arrived.length, 1);
      assert.deepEqual(
        new Set(told.filter(each => each.status === 'failed').map(each => each.error?.code)),
        new Set(['exists']),
      );
      const [, nth] = /(\d)\/same$/.exec(arrived[0]?.path ?? '') ?? [];
      assert.equal(filesBelow(out).same === nth?.repeat(3 << 20), true);
      assert.deepEqual(readdirSync(out), ['same']);
    }));
});

const BIG_BYTES = 384 << 20;

/** Starts to fetch /docs/big and sends a signal in the middle. A machine may be so quick that it takes several tries. */
async function interrupted(place: Place, out: string, signal: NodeJS.Signals): Promise<Result> {
  for (;;) {
    rmSync(out, { recursive: true, force: true });
    const running = place.startFacet(['fetch', '/docs/big', '-o', `${out}/`]);
    await partOf(running, out);
    running.process.kill(signal);
    const result = await running.ended;
    if (result.status !== 0) return result;
  }
}

/** Resolves when a part has some bytes, or the process has ended. */
async function partOf(running: Running, out: string): Promise<void> {
  const { process } = running;
  while (process.exitCode === null && process.signalCode === null) {
    const [part] = partsIn(out);
    if (part && statSync(join(out, part), { throwIfNoEntry: false })?.size) return;
    await wait(1);
  }
}

async function overwrite(place: Place, file: string, atMiB: number, text: string): Promise<void> {
  const script = 'printf %s "$1" | dd of="$2" bs=1M seek="$3" conv=notrunc status=none';
  await place.output('sh', '-c', script, 'sh', text, file, String(atMiB));
}

async function withBigFile(body: (place: Place, out: string) => Promise<void>): Promise<void> {
  await inPlace(user, async place => {
    const big = place.write('big', 'the beginning');
    truncateSync(big, BIG_BYTES);
    for (const at of [1, 200, 383]) await overwrite(place, big, at, 'mark');
    await place.index();
    await body(place, join(place.base, 'out'));
  });
}

describe('facet fetch that was interrupted', () => {
  it('goes on where it was killed', () =>
    withBigFile(async (place, out) => {
      const { signal } = await interrupted(place, out, 'SIGKILL');
      assert.equal(signal, 'SIGKILL');
      const names = readdirSync(out);
      assert.deepEqual(
        [names.length, names.filter(isPart).length],
        [1, 1],
        'a part, and nothing under its name',
      );
      const there = statSync(join(out, names[0] ?? '')).size;
      const [told] = await fetched(place, '/docs/big', '-o', out);
      assert.deepEqual([told?.status, told?.bytes], ['fetched', BIG_BYTES - there]);
      assert.ok(there > 0 && there < BIG_BYTES);
      await place.output('cmp', join(out, 'big'), join(place.source, 'big'));
      assert.deepEqual(readdirSync(out), ['big']);
    }));

  it('by SIGINT ends with 130, and leaves a part of this version alone', () =>
    withBigFile(async (place, out) => {
      const { status, stderr } = await interrupted(place, out, 'SIGINT');
      assert.equal(status, 130);
      assert.match(stderr, /^facet: stopped by SIGINT\n/);
      assert.equal(readdirSync(out).every(isPart), true);
      assert.equal(partsIn(out).length, 1);
      place.write('big', 'another version');
      const [told] = await fetched(place, '/docs/big', '-o', out);
      assert.deepEqual([told?.status, told?.bytes], ['fetched', 15]);
      assert.equal(readFileSync(join(out, 'big'), 'utf8'), 'another version');
    }));

  it('does not continue a part that holds something else', () =>
    withBigFile(async (place, out) => {
      await interrupted(place, out, 'SIGKILL');
      const [part = ''] = partsIn(out);
      await overwrite(place, join(out, part), 0, 'wrong');
      const [told] = await fetched(place, '/docs/big', '-o', out);
      assert.deepEqual([told?.status, told?.bytes], ['fetched', BIG_BYTES]);
      await place.output('cmp', join(out, 'big'), join(place.source, 'big'));
      assert.deepEqual(readdirSync(out), ['big']);
    }));
});

/** Ends facet when it is about to give a part its name. */
const KILLED_AT_RENAME = `--import=data:text/javascript,${encodeURIComponent(`
  import fs, { renameSync } from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  fs.renameSync = (from, to) =>
    String(from).includes('facet-part') ? process.kill(process.pid, 'SIGKILL') : renameSync(from, to);
  syncBuiltinESMExports();
`)}`;

describe('facet fetch of a link that was killed', () => {
  it('leaves what was there, and nothing once it was repeated', () =>
    withFiles({ 'a.txt': 'new' }, async (place, out) => {
      symlinkSync('a.txt', join(place.source, 'to-a'));
      await place.done('index', 'scan');
      mkdirSync(out);
      writeFileSync(join(out, 'to-a'), 'mine');
      const args = ['fetch', '/docs/to-a', '-o', out, '--force'];
      const { signal } = await place.facetWith({ env: { NODE_OPTIONS: KILLED_AT_RENAME } }, ...args);
      assert.equal(signal, 'SIGKILL');
      assert.equal(readFileSync(join(out, 'to-a'), 'utf8'), 'mine');
      await place.done(...args);
      assert.deepEqual(filesBelow(out), { 'to-a': '-> a.txt' });
    }));
});

describe('facet fetch says what went wrong, and leaves nothing wrong behind', { concurrency: 2 }, () => {
  it('contents that are not those that were hashed: 6', () =>
    withFiles({ 'a.txt': 'right', 'b.txt': 'good' }, async (place, out) => {
      const file = join(place.source, 'a.txt');
      utimesSync(file, 1_000_000, 1_000_000);
      await place.done('index', 'scan', '--hash');
      writeFileSync(file, 'wrong');
      utimesSync(file, 1_000_000, 1_000_000);
      const { stderr } = await fails(
        place,
        6,
        /a\.txt are not those that were hashed\nhint: /,
        '/docs/a.txt',
        '-o',
        `${out}/`,
      );
      assert.doesNotMatch(stderr, /internal| {4}at /);
      assert.deepEqual(filesBelow(out), {});
      assert.deepEqual(
        (await fetched(place, '/docs/b.txt', '-o', out)).map(each => each.status),
        ['fetched'],
      );
    }));

  it('a source that is gone: 5; a file that is gone: 3; a path that never was: 3', () =>
    withFiles({ 'a.txt': 'a', 'b.txt': 'b' }, async (place, out) => {
      const told = /^facet: there is no \/docs\/c\.txt in the tree\nhint: [^\n]+\n$/;
      await fails(place, 3, told, '/docs/c.txt', '-o', out);
      rmSync(join(place.source, 'b.txt'));
      await fails(place, 3, /b\.txt/, '/docs/b.txt', '-o', out);
      renameSync(place.source, `${place.source}.away`);
      await fails(place, 5, /cannot list .*source: it does not exist\nhint: /, '/docs/a.txt', '-o', out);
      const { status, stderr } = await place.facet('fetch', '--json', '/docs/a.txt', '-o', out);
      assert.equal(status, 5);
      assert.equal(JSON.parse(stderr).error.code, 'unreachable');
      assert.deepEqual(filesBelow(out), {});
    }));

  it('some of several: 4, and the others are there', () =>
    withFiles({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' }, async (place, out) => {
      rmSync(join(place.source, 'b.txt'));
      const paths = ['/docs/*.txt', '/docs/none'];
      const result = await place.facet('fetch', ...paths, '-o', out, '--json');
      assert.equal(result.status, 4);
      assert.deepEqual(filesBelow(out), { 'a.txt': 'a', 'c.txt': 'c' });
      const byPath = new Map(lines(result).map(line => [line.path, line]));
      assert.deepEqual([...byPath.keys()].sort(), [
        '/docs/a.txt',
        '/docs/b.txt',
        '/docs/c.txt',
        '/docs/none',
      ]);
      assert.deepEqual(byPath.get('/docs/a.txt'), {
        path: '/docs/a.txt',
        output: join(out, 'a.txt'),
        status: 'fetched',
        bytes: 1,
      });
      for (const path of ['/docs/b.txt', '/docs/none']) {
        assert.deepEqual([byPath.get(path)?.status, byPath.get(path)?.error?.code], ['failed', 'not-found']);
      }
      assert.equal(JSON.parse(result.stderr).error.code, 'partial');
      const { stderr } = await fails(
        place,
        4,
        /2 of 4 files could not be fetched\nhint: /,
        ...paths,
        '-o',
        out,
      );
      assert.match(stderr, /warning: \/docs\/b\.txt: /);
    }));

  it('all of several, for one reason: as for one of them', () =>
    withFiles({ 'a.txt': 'a', 'b.txt': 'b' }, async (place, out) => {
      const none = /2 of 2 files could not be fetched\nhint: /;
      await fails(place, 3, none, '/docs/none', '/none', '-o', out);
      rmSync(join(place.source, 'b.txt'));
      await fails(place, 3, none, '/docs/none', '/docs/b.txt', '-o', out);
      writeFileSync(join(out, 'a.txt'), 'another');
      await fails(place, 4, /2 of 2 files/, '/docs/a.txt', '/docs/none', '-o', out);
      renameSync(place.source, `${place.source}.away`);
      await fails(place, 5, none, '/docs/a.txt', '/docs/b.txt', '-o', out);
    }));

  it('a folder that cannot be written: 1, and the system’s reason', () =>
    withFiles({ 'a.txt': 'a' }, async (place, out) => {
      mkdirSync(out, { mode: 0o555 });
      const reason = users.length > 1 ? /read-only file system/ : /permission denied/;
      if (users.length > 1) await place.output('mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', out);
      try {
        for (const [output, file] of [
          [`${out}/`, join(out, 'a.txt')],
          [join(out, 'below/'), join(out, 'below/a.txt')],
          [join(out, 'name'), join(out, 'name')],
        ] as const) {
          const { stderr } = await fails(place, 1, reason, '/docs/a.txt', '-o', output);
          assert.ok(stderr.startsWith(`facet: cannot write ${file}: `), stderr);
        }
      } finally {
        for (const each of mountsBelow(place.base)) await place.output('umount', each);
      }
    }));
});

if (users.length > 1) {
  describe('facet fetch onto a full disk', () => {
    // 4 MiB, of which the last piece of the file fits in part: a write that is cut short is no error to the system.
    for (const bytes of [64 << 20, (3 << 20) + 900_000]) {
      it(`of a file of ${bytes} bytes`, () =>
        withFiles({ big: Buffer.alloc(bytes, 'facet '), small: 'small' }, async (place, out) => {
          mkdirSync(out);
          await place.output('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', out);
          try {
            writeFileSync(join(out, 'filler'), Buffer.alloc(300_000));
            const args = ['/docs/big', '/docs/small', '-o', out, '--parallel', '1'];
            const result = await fails(place, 4, /no space left on device/, ...args);
            assert.doesNotMatch(result.stderr, /internal/);
            assert.equal(existsSync(join(out, 'big')), false);
            await fails(place, 1, /no space left on device\nhint: free some space/, '/docs/big', '-o', out);
            assert.deepEqual(
              readdirSync(out).sort(),
              ['filler', 'small'],
              'what cannot be finished takes no space',
            );
            if (bytes > 4 << 20) return;
            rmSync(join(out, 'filler'));
            await place.done('fetch', '/docs/big', '-o', out);
            await place.output('cmp', join(out, 'big'), join(place.source, 'big'));
          } finally {
            await place.output('umount', out);
          }
        }));
    }
  });
}
