/** Buckets as a user meets them: real processes, real mounts, and a real S3 server behind a gate that tests can close. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Gate } from '../support/gate.js';
import { whileHung } from '../support/hung-folder.js';
import {
  type FacetMount,
  inPlace,
  type Place,
  type Result,
  type Running,
  root,
  type User,
  until,
  users,
} from '../support/mounted.js';
import { type Bucket, makeBucket } from '../support/s3.js';
import { s3Environment } from '../support/s3-process.js';
import { leave, needsRoot, smallDisk } from '../support/small-disk.js';

const user = users[0] ?? assert.fail();
const MB = 1 << 20;

const { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: secret } = s3Environment;

interface Site {
  place: Place;
  bucket: Bucket;
  gate: Gate;
  /** What a command printed that ended well. */
  done(...args: string[]): Promise<string>;
  /** How a command ended; no secret is in what it printed. */
  facet(...args: string[]): Promise<Result>;
}

type Objects = Record<string, string | Buffer>;

/** A bucket with these objects, which is the source `b`, scanned. */
async function atBucket(
  who: User,
  objects: Objects,
  body: (site: Site) => Promise<void>,
  options: readonly string[] = [],
): Promise<void> {
  const bucket = await makeBucket();
  await Promise.all(Object.entries(objects).map(([key, contents]) => bucket.put(key, contents)));
  const gate = new Gate(bucket.endpoint);
  await gate.open();
  try {
    await inPlace(who, async place => {
      giveKeys(place);
      const facet = (...args: string[]) => checked(place.facet(...args));
      const done = async (...args: string[]) => {
        const result = await facet(...args);
        assert.equal(result.status, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
        return result.stdout;
      };
      const uri = `s3://${bucket.name}`;
      await done('index', 'add', 'b', uri, '--endpoint', gate.endpoint, ...options);
      await done('index', 'scan');
      await body({ place, bucket, gate, facet, done });
      assertNoSecretsBelow(place.home);
    });
  } finally {
    await gate.close();
  }
}

function giveKeys(place: Place): void {
  const folder = join(place.base, '.aws');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'credentials'),
    `[default]\naws_access_key_id=${keyId}\naws_secret_access_key=${secret}\n`,
  );
  place.give(folder);
}

/** Maps a folder of the source `b` to the folder `nas`, which it makes. */
function map(place: Place, prefix: string): void {
  mkdirSync(join(place.base, 'nas'));
  const at = JSON.stringify(join(place.base, 'nas'));
  writeFileSync(join(place.home, 'config.yaml'), `mounts:\n  - {source: b, prefix: ${prefix}, at: ${at}}\n`);
}

async function checked(ended: Promise<Result>): Promise<Result> {
  const result = await ended;
  assertNoSecrets(result.stdout + result.stderr, 'what facet printed');
  return result;
}

function assertNoSecrets(text: string, where: string): void {
  for (const each of [keyId, secret, 'aws_secret']) assert.ok(!text.includes(each), `${each} is in ${where}`);
}

function assertNoSecretsBelow(folder: string): void {
  for (const file of filesBelow(folder)) {
    // A mount that still runs may be moving what it has cached.
    assertNoSecrets(tryRead(join(folder, file)), file);
    assertNoSecrets(file, 'the name of a file');
  }
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(entry => entry.isFile());
  return files.map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** Path → contents, below a folder that is no mount. */
function contentsBelow(folder: string): Objects {
  return Object.fromEntries(filesBelow(folder).map(file => [file, readFileSync(join(folder, file), 'utf8')]));
}

async function scanned({ done }: Site): Promise<Record<string, number>> {
  const { files, added, modified, renamed, deleted } = JSON.parse(await done('index', 'scan', '--json'));
  return { files, added, modified, renamed, deleted };
}

function sha256(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex');
}

interface Line {
  path: string;
  mtime?: string;
  status?: string;
  bytes?: number;
  unavailable?: string | null;
  files?: number;
}

function lines(stdout: string): Line[] {
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

/** Keys, and what they are in the tree: U+F000 + the code of what no path can have. */
const odd: Record<string, string> = {
  'a//b': 'a/\uf02f/b',
  '../x': '\uf02e\uf02e/x',
  './y': '\uf02e/y',
  a: 'a\uf02f',
  'a/b': 'a/b',
  'a/b c+d%41.txt': 'a/b c+d%41.txt',
  'ünïcödé/🎬 日本.txt': 'ünïcödé/🎬 日本.txt',
  'quote\'"&<>': 'quote\'"&<>',
  'plus+and space/100%': 'plus+and space/100%',
  'end/': 'end/\uf02f',
};

/** Runs a script of the shell; `$1` and so on are the arguments. It must end well. */
async function sh({ place }: Site, script: string, ...args: string[]): Promise<Result> {
  return place.succeed('bash', ['-c', script, 'sh', ...args]);
}

/** What the disk below wants of those who read past the page cache. */
const ALIGNED = 4096;

/** A script that reads past the kernel's page cache. */
const READ = 'dd if="$1" bs=128K iflag=direct,skip_bytes,count_bytes skip="$2" count="$3" status=none';

/** A script that has the kernel forget what it keeps of a file. */
const DROP_PAGES = 'dd if="$1" iflag=nocache count=0 status=none';

async function readAt(site: Site, file: string, from: number, count: number): Promise<Buffer> {
  const before = from % ALIGNED;
  const length = Math.ceil((before + count) / ALIGNED) * ALIGNED;
  const { bytes } = await sh(site, READ, file, String(from - before), String(length));
  return bytes.subarray(before, before + count);
}

/** A program that reads a file, with what it says on stderr. */
function reading(site: Site, file: string): Running {
  return site.place.start('sha256sum', ['--', file]);
}

/** Reads a file through a mount whose process does not run. */
async function assertReadWithout({ process: { pid } }: FacetMount, file: string, contents: Buffer) {
  const opened = await open(file);
  try {
    process.kill(pid ?? assert.fail(), 'SIGSTOP');
    // Without the file's attributes, for which the mount might be asked.
    const read = opened.read(Buffer.alloc(contents.length + 1));
    const late = wait(10_000).then(() => assert.fail('the mount is asked for every read'));
    const { buffer, bytesRead } = await Promise.race([read, late]);
    assert.equal(sha256(buffer.subarray(0, bytesRead)), sha256(contents));
  } finally {
    process.kill(pid ?? assert.fail(), 'SIGCONT');
    await opened.close();
  }
}

const BEGINNING = 100_000;

/** A program that reads the beginning of a file, and keeps it open until it is asked for the rest. */
function holdOpen({ place }: Site, file: string) {
  const goOn = join(place.base, `go-on-${randomBytes(4).toString('hex')}`);
  const script = `exec 3<"$1"; head -c ${BEGINNING} <&3; until [ -e "$2" ]; do sleep 0.05; done; cat <&3`;
  const { process, ended } = place.start('bash', ['-c', script, 'sh', file, goOn]);
  return {
    isOpen: process.stdout && once(process.stdout, 'data'),
    assertRest: async (contents: Buffer) => {
      writeFileSync(goOn, '');
      const { bytes, stderr } = await ended;
      assert.equal(sha256(bytes), sha256(contents), stderr);
    },
  };
}

/** Turns a byte in the middle of the only blob. */
function damageBlob(place: Place): void {
  const [file, ...more] = filesBelow(place.home).filter(each => each.includes('/blobs/'));
  assert.deepEqual(more, []);
  const path = join(place.home, file ?? assert.fail('no blob'));
  const contents = readFileSync(path);
  contents[5 * MB] = (contents[5 * MB] ?? 0) ^ 0xff;
  writeFileSync(path, contents);
}

async function assertReads(running: Running, contents: Buffer, what: string): Promise<void> {
  const { stdout, stderr } = await running.ended;
  assert.equal(stdout.slice(0, 64), sha256(contents), `${what}: ${stderr}`);
}

/** Copies the objects to a folder, as other programs see them. */
function copyTo(folder: string, objects: Objects): void {
  for (const [key, contents] of Object.entries(objects)) {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), contents);
  }
}

/** Of the processes of a place. */
function assertNoSecretsInArguments(place: Place): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    if (!tryRead(`/proc/${pid}/environ`).includes(place.home)) continue;
    assertNoSecrets(tryRead(`/proc/${pid}/cmdline`), `the arguments of process ${pid}`);
  }
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // It has ended, or is elsewhere by now.
    return '';
  }
}

/** How quickly a promise settles, in ms. */
async function timed(action: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await action;
  return performance.now() - startedAt;
}

const SOON_MS = 5_000;

const ONE_TIME = '2020-01-02T03:04:05.000Z';

/** Of a listing, with the same time for all that is in it. */
function withOneTime(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const time = `<LastModified>${ONE_TIME}<`;
  return Buffer.from(text.replace(/<LastModified>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z</g, time), 'latin1');
}

/** The mount shows a change within a moment; until then what was, or an error. */
async function untilRead(site: Site, file: string, contents: Buffer): Promise<void> {
  await until(`${file} is the new version`, async () => {
    const { stdout } = await reading(site, file).ended;
    return stdout.startsWith(sha256(contents));
  });
}

/** Has something been said on stderr? */
function said({ process }: Running): Promise<boolean> {
  return new Promise(resolve => {
    process.stderr?.once('data', () => resolve(true));
  });
}

describe('remote sources', { concurrency: 3 }, () => {
  describe('a bucket', () => {
    it('of odd keys is listed, fetched and scanned again; only what changed is a change', () =>
      atBucket(user, Object.fromEntries(Object.keys(odd).map(key => [key, `of ${key}`])), async site => {
        const { place, bucket, done } = site;
        const total = Object.keys(odd).length;
        const renamed = Object.entries(odd).filter(([key, path]) => key !== path).length;
        assert.equal(JSON.parse(await done('index', 'scan', '--json')).skipped.oddKeys, renamed);
        const { stderr } = await site.facet('index', 'scan', '--verbose');
        assert.ok(
          stderr.includes(`b: ${renamed} keys that cannot be in a path, shown with other characters`),
          stderr,
        );
        assert.deepEqual(await scanned(site), {
          files: total,
          added: 0,
          modified: 0,
          renamed: 0,
          deleted: 0,
        });
        const out = join(place.base, 'out');
        await done('fetch', '/b', '-o', out);
        const expected = Object.entries(odd).map(([key, path]) => [path, `of ${key}`]);
        assert.deepEqual(contentsBelow(join(out, 'b')), Object.fromEntries(expected));
        const listed = lines(await done('index', 'ls', '/b/a', '--json')).map(({ path }) => path);
        assert.deepEqual(listed.sort(), ['/b/a/b', '/b/a/b c+d%41.txt', '/b/a/\uf02f']);
        const stat = JSON.parse(await done('index', 'stat', '/b/a/b c+d%41.txt', '--json'));
        assert.deepEqual([stat.size, stat.source], [`of a/b c+d%41.txt`.length, 'b']);
        await bucket.put('a//b', 'something else');
        await bucket.put('new+one', 'new');
        await bucket.remove('../x');
        assert.deepEqual(await scanned(site), {
          files: total,
          added: 1,
          modified: 1,
          renamed: 0,
          deleted: 1,
        });
        assert.equal(await done('fetch', '/b/a/\uf02f/b', '/b/new+one', '--stdout'), 'something elsenew');
      }));

    it('shows only what is included and not excluded', () => {
      const objects = { 'a.txt': 'a', 'b.md': 'b', 'tmp/c.txt': 'c', 'd/e.txt': 'e' };
      const check = async ({ place, done }: Site) => {
        const out = join(place.base, 'out');
        await done('fetch', '/b', '-o', out);
        assert.deepEqual(contentsBelow(out), { 'b/a.txt': 'a', 'b/d/e.txt': 'e' });
      };
      return atBucket(user, objects, check, ['--include', '*.txt', '--exclude', 'tmp']);
    });

    it('that cannot be listed keeps its files, and says why', () =>
      atBucket(user, { 'a.txt': 'alpha', 'b/c.txt': 'gamma' }, async site => {
        const { place, bucket, gate, done } = site;
        const none = { files: 2, added: 0, modified: 0, renamed: 0, deleted: 0 };
        const unavailable = async () => {
          const [status] = lines(await done('index', 'status', '--json'));
          assert.equal(status?.files, 2);
          return status?.unavailable ?? '';
        };
        const scan = async (env: Record<string, string>, status: number, message: RegExp, hint: RegExp) => {
          const result = await checked(place.facetWith({ env }, 'index', 'scan'));
          assert.match(result.stderr, message);
          assert.match(result.stderr, hint);
          assert.equal(result.status, status, result.stderr);
          assert.match(await unavailable(), message);
        };
        const wrong = { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: 'not-the-right-one' };
        await scan(wrong, 1, /SignatureDoesNotMatch/, /hint: check AWS_ACCESS_KEY_ID/);
        await scan(
          { ...wrong, AWS_ACCESS_KEY_ID: 'nobody' },
          1,
          /SignatureDoesNotMatch|InvalidAccessKeyId/,
          /hint: /,
        );
        assert.deepEqual(await scanned(site), none);
        assert.equal(await unavailable(), '');
        await gate.close();
        await scan(
          {},
          5,
          /cannot reach http:\/\/127\.0\.0\.1:\d+: the connection is refused/,
          /hint: check the/,
        );
        await gate.open();
        assert.equal(await done('fetch', '/b/a.txt', '--stdout'), 'alpha');
        await bucket.remove('a.txt');
        await bucket.remove('b/c.txt');
        await bucket.removeBucket();
        await scan({}, 3, /NoSuchBucket/, /hint: check the name of the bucket/);
      }));
  });

  describe('what is in the cache', () => {
    it('can be asked for, and dropped by a query', () =>
      atBucket(user, { a: 'alpha', b: 'beta', c: 'gamma', d: 'delta' }, async site => {
        const { bucket, done, facet } = site;
        const found = async (query: string) =>
          lines(await done('index', 'search', query, '--json')).map(({ path }) => path.slice('/b/'.length));
        assert.deepEqual(await found('cached or pinned'), []);
        await done('cache', 'warm', '/b/a', '/b/b', '/b/d');
        await done('cache', 'pin', '--query', 'name:a or name:c');
        assert.deepEqual(await found('cached'), ['a', 'b', 'd']);
        assert.deepEqual(await found('pinned'), ['a', 'c']);
        assert.deepEqual(await found('pinned not cached'), ['c']);
        await done('cache', 'warm', '--query', 'pinned not cached');
        assert.deepEqual(await found('not cached'), []);
        await bucket.put('a', 'another');
        await scanned(site);
        assert.deepEqual(await found('not cached'), ['a']);
        assert.deepEqual(await found('pinned'), ['a', 'c']);
        const evicted = JSON.parse(await done('cache', 'evict', '--query', 'cached', '--json'));
        assert.equal(evicted.blobs, 2);
        assert.deepEqual(await found('cached'), ['c']);
        await bucket.put('sub/new', 'gamma');
        await bucket.remove('c');
        const { added, renamed, deleted } = await scanned(site);
        assert.deepEqual({ added, renamed, deleted }, { added: 0, renamed: 1, deleted: 0 });
        assert.deepEqual(await found('cached'), ['sub/new']);
        assert.deepEqual(await found('pinned'), ['a', 'sub/new']);
        await done('cache', 'unpin', '--query', 'pinned');
        assert.deepEqual(await found('pinned'), []);
        assert.equal(JSON.parse(await done('cache', 'evict', '/b', '--json')).blobs, 2);
        assert.deepEqual(await found('cached'), []);
        const both = await facet('cache', 'evict', '/b', '--max-age', '1d');
        assert.equal(both.status, 2, both.stderr);
        assert.equal((await facet('cache', 'pin')).status, 2);
        assert.equal(await done('cache', 'pin', '--query', 'name:nothing'), 'pinned 0 files\n');
      }));
  });

  describe('facet fetch', () => {
    it('brings globs, ranges and streams from a bucket', () => {
      const large = randomBytes(3 * MB + 17);
      const objects = { 'docs/a.txt': 'alpha', 'docs/sub/b.txt': 'beta', 'docs/c.bin': large, empty: '' };
      return atBucket(user, objects, async ({ place, done, facet }) => {
        const out = join(place.base, 'out');
        await done('fetch', '/b/docs/**/*.txt', '-o', out);
        assert.deepEqual(contentsBelow(out), { 'a.txt': 'alpha', 'sub/b.txt': 'beta' });
        const all = lines(await done('fetch', '/b', '-o', join(out, 'all'), '--json'));
        assert.deepEqual(
          all.map(({ path, status, bytes }) => `${path} ${status} ${bytes}`).sort(),
          Object.entries(objects)
            .map(([key, contents]) => `/b/${key} fetched ${contents.length}`)
            .sort(),
        );
        assert.equal(sha256(readFileSync(join(out, 'all/b/docs/c.bin'))), sha256(large));
        const again = lines(await done('fetch', '/b', '-o', join(out, 'all'), '--json'));
        assert.deepEqual([...new Set(again.map(({ status }) => status))], ['unchanged']);
        const ranges: [string, number, number | undefined][] = [
          ['0-0', 0, 1],
          ['1048575-1048576', MB - 1, MB + 1],
          ['3145720-', 3 * MB - 8, undefined],
          ['-20', large.length - 20, undefined],
        ];
        for (const [range, from, to] of ranges) {
          const { bytes } = await facet('fetch', '/b/docs/c.bin', '--stdout', '--range', range);
          assert.equal(sha256(bytes), sha256(large.subarray(from, to)), range);
        }
        await done('fetch', '/b/docs/c.bin', '-o', join(out, 'some'), '--range', '100-2000000');
        assert.equal(sha256(readFileSync(join(out, 'some'))), sha256(large.subarray(100, 2_000_001)));
        const gone = await facet('fetch', '/b/docs/none', '-o', out);
        assert.equal(gone.status, 3, gone.stderr);
      });
    });

    it('with --cache-only brings what is there, and says what is not', () => {
      const objects = { a: 'alpha', b: 'beta', c: randomBytes(2 * MB) };
      return atBucket(user, objects, async ({ place, gate, done, facet }) => {
        const out = join(place.base, 'out');
        await done('fetch', '/b/c', '--range', '0-9', '--stdout');
        const none = await facet('fetch', '/b', '-o', out, '--cache-only');
        assert.equal(none.status, 5, none.stderr);
        assert.match(none.stderr, /b:a is not in the cache/);
        assert.match(none.stderr, /none of these 3 files is in the cache/);
        await done('cache', 'warm', '/b/a');
        await gate.close();
        const some = await facet('fetch', '/b', '-o', out, '--cache-only', '--json');
        assert.equal(some.status, 4, some.stderr);
        const outcomes = lines(some.stdout).map(({ path, status }) => `${path} ${status}`);
        assert.deepEqual(outcomes.sort(), ['/b/a fetched', '/b/b failed', '/b/c failed']);
        assert.deepEqual(contentsBelow(out), { 'b/a': 'alpha' });
        const { status, stderr } = await facet('fetch', '/b/c', '--stdout', '--cache-only');
        assert.equal(status, 5);
        assert.match(stderr, /b:c is not in the cache\nhint: leave out --cache-only/);
      });
    });

    it('takes what is cached from the cache, and leaves nothing there', () => {
      const large = randomBytes(6 * MB + 5);
      return atBucket(user, { large, other: 'other' }, async ({ place, gate, done }) => {
        const out = join(place.base, 'out');
        await done('fetch', '/b/large', '--stdout', '--range', `0-${4 * MB}`);
        const [cached, before] = [await done('cache', 'ls', '--json'), gate.passed];
        await done('fetch', '/b', '-o', out);
        assert.equal(sha256(readFileSync(join(out, 'b/large'))), sha256(large));
        assert.ok(gate.passed - before < 3 * MB, `${gate.passed - before} bytes came from the bucket`);
        assert.equal(lines(await done('cache', 'ls', '--json')).length, lines(cached).length);
        await done('cache', 'warm', '/b/large');
        await gate.close();
        await done('fetch', '/b/large', '-o', join(out, 'offline'), '--cache-only');
        assert.equal(sha256(readFileSync(join(out, 'offline'))), sha256(large));
      });
    });

    it('that was killed, or lost the network, goes on, but never with another version', () => {
      const [large, changed] = [randomBytes(24 * MB + 5), randomBytes(24 * MB + 5)];
      return atBucket(user, { large }, async ({ place, bucket, gate, done }) => {
        gate.alter = withOneTime;
        await done('index', 'scan', '--full');
        const out = join(place.base, 'out/large');
        const stoppedAfter = async (bytes: number, stop: (fetch: Running) => Promise<void>) => {
          gate.hold(bytes);
          const fetch = place.startFacet(['fetch', '/b/large', '-o', out]);
          await until('the gate holds', async () => gate.isHolding);
          // What came through the gate is still to be read, and flushed.
          await wait(1000);
          await stop(fetch);
          gate.release();
        };
        await stoppedAfter(13 * MB, async ({ process: { pid }, ended }) => {
          process.kill(pid ?? assert.fail(), 'SIGKILL');
          await ended;
        });
        const before = gate.passed;
        await stoppedAfter(4 * MB, async ({ ended }) => {
          await gate.close();
          assert.equal((await checked(ended)).status, 5);
        });
        await gate.open();
        assert.equal(readdirSync(dirname(out)).length, 1);
        await done('fetch', '/b/large', '-o', out);
        assert.equal(sha256(readFileSync(out)), sha256(large));
        assert.deepEqual(readdirSync(dirname(out)), ['large']);
        assert.ok(gate.passed - before < 24 * MB, 'what was there is not fetched again');

        rmSync(out);
        await stoppedAfter(13 * MB, async ({ process: { pid }, ended }) => {
          process.kill(pid ?? assert.fail(), 'SIGINT');
          await ended;
        });
        await bucket.put('large', changed);
        await done('index', 'scan', '--full');
        await done('fetch', '/b/large', '-o', out);
        assert.equal(sha256(readFileSync(out)), sha256(changed));
      });
    });

    it('to a disk that is full names the file, and goes on with its part when there is room', {
      skip: needsRoot,
    }, t => {
      const large = randomBytes(24 * MB + 5);
      return atBucket(user, { large }, async ({ gate, facet, done }) => {
        const disk = smallDisk(t, 32);
        const filler = leave(disk, 8 * MB);
        const full = await facet('fetch', '/b/large', '-o', disk);
        assert.equal(full.status, 1);
        assert.match(
          full.stderr,
          new RegExp(`cannot write ${disk}/large: no space left on device\nhint: free `),
        );
        const before = gate.passed;
        rmSync(filler);
        await done('fetch', '/b/large', '-o', disk);
        assert.equal(sha256(readFileSync(join(disk, 'large'))), sha256(large));
        assert.deepEqual(readdirSync(disk), ['large']);
        const rest = gate.passed - before;
        assert.ok(rest < 21 * MB, `${rest} bytes were fetched the second time`);
      });
    });

    it('that was interrupted, and interrupted again, goes on where it was', () => {
      const large = randomBytes(24 * MB + 5);
      return atBucket(user, { large }, async ({ place, gate, done }) => {
        const out = join(place.base, 'out/large');
        for (const bytes of [13 * MB, 9 * MB]) {
          gate.hold(bytes);
          const fetch = place.startFacet(['fetch', '/b/large', '-o', out]);
          await until('the gate holds', async () => gate.isHolding);
          // What came through the gate is still to be read.
          await wait(500);
          fetch.process.kill('SIGINT');
          const { status, stderr } = await checked(fetch.ended);
          assert.equal(status, 130, stderr);
          assert.equal(existsSync(out), false);
          gate.release();
        }
        const before = gate.passed;
        await done('fetch', '/b/large', '-o', out);
        assert.equal(sha256(readFileSync(out)), sha256(large));
        assert.deepEqual(readdirSync(dirname(out)), ['large']);
        const rest = gate.passed - before;
        assert.ok(rest < 16 * MB, `${rest} bytes were fetched the third time`);
      });
    });
  });

  for (const who of users) {
    describe(`the mount of a bucket by ${who.name}`, () => {
      it('has the bytes of the bucket, wherever and by however many they are read', () => {
        const large = randomBytes(20 * MB + 4321);
        const objects = {
          large,
          'docs/a.txt': 'alpha',
          'docs/ünï cödé+%.bin': randomBytes(MB + 1),
          'docs/deep/er/b': randomBytes(3 * MB),
          empty: '',
        };
        return atBucket(who, objects, async site => {
          const { place } = site;
          const { stop, mountpoint } = await place.mount();
          const file = join(mountpoint, 'b/large');
          const places = [
            [20 * MB + 4000, 321],
            [0, 1],
            [MB - 1, 2],
            [8 * MB - 777, 3 * MB],
            [12_345_679, 99_999],
            [5 * MB + 3, 128 * 1024],
            [20 * MB, 10_000],
          ] as const;
          for (const [from, count] of places) {
            const bytes = await readAt(site, file, from, count);
            assert.equal(
              sha256(bytes),
              sha256(large.subarray(from, from + count)),
              `${count} bytes at ${from}`,
            );
          }
          const readers = [reading(site, file), reading(site, file)];
          assertNoSecretsInArguments(place);
          for (const each of readers) await assertReads(each, large, 'one of two readers');
          const copy = join(place.base, 'copy');
          copyTo(copy, objects);
          await place.output('diff', '-r', copy, join(mountpoint, 'b'));
          const { status, stderr } = await checked(stop());
          assert.deepEqual([status, stderr], [0, '']);
        });
      });

      it('shows the bytes of one version, never of two, even when they differ in neither size nor time', () => {
        const [one, two] = [Buffer.alloc(6 * MB, 'one '), Buffer.alloc(6 * MB, 'two ')];
        return atBucket(who, { large: one, other: one }, async site => {
          const { place, bucket, gate, done } = site;
          gate.alter = withOneTime;
          await done('index', 'scan');
          const times = lines(await done('index', 'ls', '/b', '--json')).map(({ mtime }) => mtime);
          assert.deepEqual(times, [ONE_TIME, ONE_TIME]);
          const { stop, mountpoint } = await place.mount();
          const [large, other] = [join(mountpoint, 'b/large'), join(mountpoint, 'b/other')];
          // Reads a part, the rest when it is told to, and keeps the file open until it is told to end.
          const pause = (file: string) => `until [ -e "$2/${file}" ]; do sleep 0.05; done`;
          const script = `exec 3<"$1"; head -c 100000 <&3; ${pause('go-on')}; cat <&3; : >"$2/$3"; ${pause('end')}`;
          await assertReads(reading(site, large), one, 'before');
          const slow = [large, other].map((file, nth) =>
            place.start('bash', ['-c', script, 'sh', file, place.base, `read-${nth}`]),
          );
          await Promise.all(slow.map(({ process }) => process.stdout && once(process.stdout, 'data')));
          await bucket.put('large', two);
          await bucket.put('other', two);
          const early = await place.run('bash', ['-c', READ, 'sh', other, String(5 * MB), '10000']);
          assert.equal(early.bytes.includes('two '), false, 'bytes of a version that no scan has seen');
          await done('index', 'scan');
          // By now the kernel was told, twice.
          await wait(500);
          writeFileSync(join(place.base, 'go-on'), '');
          for (const nth of [0, 1]) {
            await until('the rest is read', async () => existsSync(join(place.base, `read-${nth}`)));
          }
          await untilRead(site, large, two);
          await untilRead(site, other, two);
          writeFileSync(join(place.base, 'end'), '');
          const [whole, part] = await Promise.all(slow.map(({ ended }) => ended));
          assert.equal(
            sha256(whole?.bytes ?? ''),
            sha256(one),
            'what was open is read to its end, from the cache',
          );
          assert.equal(part?.bytes.includes('two '), false, 'two versions through one opening');
          const { status } = await checked(stop());
          assert.equal(status, 0);
        });
      });
    });
  }

  describe('a mount whose server is away', () => {
    it('serves what is in the cache; the rest is an error that names the file, until the server is back', () => {
      const [kept, missing] = [randomBytes(2 * MB + 5), randomBytes(2 * MB)];
      return atBucket(user, { kept, missing, part: kept }, async site => {
        const { place, gate } = site;
        const first = await place.mount();
        await assertReads(reading(site, join(first.mountpoint, 'b/kept')), kept, 'with the server');
        await gate.close();
        assert.equal(sha256(await readAt(site, join(first.mountpoint, 'b/kept'), 0, 3 * MB)), sha256(kept));
        const failed = await reading(site, join(first.mountpoint, 'b/missing')).ended;
        assert.match(failed.stderr, /Input\/output error/);
        assert.equal(
          sha256(await readAt(site, join(first.mountpoint, 'b/kept'), 7, MB)),
          sha256(kept.subarray(7, MB + 7)),
        );
        const { status, stderr } = await checked(first.stop());
        assert.equal(status, 0, stderr);
        assert.match(stderr, /cannot read missing: cannot reach/);
        // Another one finds what the first one kept.
        const second = await place.mount();
        await assertReads(reading(site, join(second.mountpoint, 'b/kept')), kept, 'without the server');
        await gate.open();
        await assertReads(reading(site, join(second.mountpoint, 'b/missing')), missing, 'with it again');
      });
    });

    it('goes on when a reader is killed, and ends while a download is under way', () => {
      const large = randomBytes(16 * MB);
      return atBucket(user, { large, small: 'small' }, async site => {
        const { place, gate, bucket } = site;
        const mounted = await place.mount();
        gate.hold(2 * MB);
        const killed = reading(site, join(mounted.mountpoint, 'b/large'));
        await until('the gate holds', async () => gate.isHolding);
        killed.process.kill('SIGKILL');
        assert.ok((await timed(killed.ended)) < SOON_MS, 'a reader that was killed stays');
        gate.release();
        assert.equal((await sh(site, 'cat "$1"', join(mounted.mountpoint, 'b/small'))).stdout, 'small');
        await assertReads(reading(site, join(mounted.mountpoint, 'b/large')), large, 'after that');
        await bucket.put('large2', randomBytes(16 * MB));
        await site.done('index', 'scan');
        gate.hold(2 * MB);
        const held = reading(site, join(mounted.mountpoint, 'b/large2'));
        await until('the gate holds again', async () => gate.isHolding);
        mounted.process.kill('SIGINT');
        await until(
          'it says that it is in use',
          async () => mounted.process.exitCode === null && said(mounted),
        );
        const startedAt = performance.now();
        const { status, stderr } = await checked(mounted.stop('SIGINT'));
        assert.ok(performance.now() - startedAt < SOON_MS, 'the mount ends late');
        assert.equal(status, 0, stderr);
        assert.match(stderr, /is in use by sha256sum/);
        assert.notEqual((await held.ended).status, 0);
      });
    });
  });

  describe('a folder of this machine that has the files of a bucket', () => {
    for (const who of users) {
      it(`is read by ${who.name} instead of the bucket, where it has them in this version`, () => {
        const [large, other] = [randomBytes(3 * MB + 7), randomBytes(2 * MB)];
        return atBucket(who, { 'films/large': large, 'films/other': other, cached: 'cached' }, async site => {
          const { place, gate, done } = site;
          map(place, 'films/');
          writeFileSync(join(place.base, 'nas/large'), large);
          writeFileSync(join(place.base, 'nas/other'), other.subarray(1));
          place.give(join(place.base, 'nas'));
          await done('cache', 'warm', '/b/cached');
          const passed = gate.passed;
          const tierOf = async (path: string) => JSON.parse(await done('index', 'stat', path, '--json')).tier;
          assert.deepEqual(await Promise.all(['/b/films/large', '/b/films/other', '/b/cached'].map(tierOf)), [
            'mount',
            'remote',
            'cache',
          ]);
          const { mountpoint, stop } = await place.mount();
          await assertReads(reading(site, join(mountpoint, 'b/films/large')), large, 'through the mount');
          const tier = ['--only-values', '-n', 'user.facet.tier'];
          assert.equal(await place.output('getfattr', ...tier, join(mountpoint, 'b/films/large')), 'mount');
          assert.equal(await place.output('getfattr', ...tier, join(mountpoint, 'b/cached')), 'cache');
          const bytes = ['--only-values', '-n', 'user.facet.cached'];
          assert.equal(await place.output('getfattr', ...bytes, join(mountpoint, 'b/cached')), '6');
          assert.equal(await place.output('getfattr', ...bytes, join(mountpoint, 'b/films/large')), '0');
          const out = join(place.base, 'out');
          await done('fetch', '/b/films/large', '-o', out);
          assert.equal(sha256(readFileSync(out)), sha256(large));
          assert.equal(gate.passed, passed, 'nothing came from the bucket');
          assert.deepEqual(
            lines(await done('index', 'search', 'cached', '--json')).map(({ path }) => path),
            ['/b/cached'],
          );
          await assertReads(reading(site, join(mountpoint, 'b/films/other')), other, 'from the bucket');
          assert.equal((await stop()).status, 0);
        });
      });
    }

    it('and hangs keeps nobody from what is elsewhere', () =>
      atBucket(user, { 'films/a': 'alpha', 'b.txt': 'beta' }, async site => {
        const { place } = site;
        map(place, 'films/');
        await whileHung(join(place.base, 'nas'), async () => {
          const { mountpoint, stop } = await place.mount();
          const slow = reading(site, join(mountpoint, 'b/films/a'));
          assert.equal(await place.output('cat', join(mountpoint, 'b/b.txt')), 'beta');
          assert.equal(await place.output('ls', join(mountpoint, 'b/films')), 'a\n');
          await assertReads(slow, Buffer.from('alpha'), 'what hung');
          assert.equal((await stop()).status, 0);
        });
      }));
  });

  describe('an object that becomes shorter', () => {
    it('has its size and its end for whoever has it open', () => {
      const large = randomBytes(5 * MB);
      return atBucket(user, { large }, async site => {
        const { place, bucket, done } = site;
        const { mountpoint } = await place.mount();
        const file = join(mountpoint, 'b/large');
        await assertReads(reading(site, file), large, 'before');
        const goOn = join(place.base, 'go-on');
        const look = 'stat --cached=never -L -c %s /dev/fd/3 >&2; cat <&3';
        const script = `exec 3<"$1"; head -c 9 <&3; until [ -e "$2" ]; do sleep 0.05; done; ${look}`;
        const open = place.start('bash', ['-c', script, 'sh', file, goOn]);
        await (open.process.stdout && once(open.process.stdout, 'data'));
        await bucket.put('large', 'short');
        await done('index', 'scan');
        await untilRead(site, file, Buffer.from('short'));
        writeFileSync(goOn, '');
        const { bytes, stderr } = await open.ended;
        assert.deepEqual([stderr, sha256(bytes)], [`${large.length}\n`, sha256(large)]);
      });
    });
  });

  for (const who of users) {
    describe(`a file that is in the cache as a whole, read by ${who.name}`, () => {
      it('needs nobody but the kernel, or the cache, and damage on the disk is noticed', () => {
        const large = randomBytes(9 * MB + 99);
        return atBucket(who, { large }, async site => {
          const { place, gate, done } = site;
          await done('cache', 'warm', '/b/large');
          const first = await place.mount();
          const file = join(first.mountpoint, 'b/large');
          if (who === root) await assertReadWithout(first, file, large);
          await gate.close();
          await assertReads(reading(site, file), large, 'from the cache');
          assert.equal((await checked(first.stop())).status, 0);
          damageBlob(place);
          await gate.open();
          const second = await place.mount();
          await assertReads(reading(site, file), large, 'after the disk has spoilt a block');
          assert.equal((await checked(second.stop())).status, 0);
        });
      });
    });
  }

  describe('small files that are in the cache', () => {
    it('are with the kernel once they are opened', () => {
      const small = { one: randomBytes(2048), page: randomBytes(4096), more: randomBytes(20_000) };
      return atBucket(root ?? user, { ...small, empty: '' }, async ({ place, gate, done }) => {
        await done('cache', 'warm', '/b');
        await gate.close();
        const mounted = await place.mount();
        for (const [name, contents] of Object.entries(small)) {
          const file = join(mounted.mountpoint, 'b', name);
          if (root) await assertReadWithout(mounted, file, contents);
          else assert.ok((await place.succeed('cat', [file])).bytes.equals(contents));
        }
        assert.equal(await place.output('cat', join(mounted.mountpoint, 'b/empty')), '');
        assert.equal((await checked(mounted.stop())).status, 0);
      });
    });
  });

  for (const who of users) {
    describe(`a file that becomes whole in the cache while ${who.name} has it open`, () => {
      it('is read on as it was, needs nobody but the kernel once all was compared, and is not evicted while it is open', () => {
        // Of smaller ones nothing is in the cache before all is.
        const large = randomBytes(51 * MB);
        return atBucket(who, { large }, async site => {
          const { place, gate, done } = site;
          const mounted = await place.mount();
          const file = join(mounted.mountpoint, 'b/large');
          const cached = async () =>
            Number(await place.output('getfattr', '--only-values', '-n', 'user.facet.cached', file));
          assert.equal(await cached(), 0);
          const first = holdOpen(site, file);
          await first.isOpen;
          await until('a part is in the cache', async () => (await cached()) > 0);
          assert.ok((await cached()) < large.length);
          await done('cache', 'warm', '/b/large');
          await gate.close();
          assert.equal(await cached(), large.length);
          await assertReads(reading(site, file), large, 'while the first one has it open');
          await first.assertRest(large);
          // Two processes have brought the blocks, so neither has seen them all: they are compared once more.
          await sh(site, DROP_PAGES, file);
          await assertReads(reading(site, file), large, 'when nobody else has it open');
          await sh(site, DROP_PAGES, file);
          if (who === root) await assertReadWithout(mounted, file, large);
          const second = holdOpen(site, file);
          await second.isOpen;
          const clear = async () => JSON.parse(await done('cache', 'clear', '--json'));
          assert.deepEqual(await clear(), { blobs: 0, bytes: 0, kept: 1 });
          await second.assertRest(large);
          await until('it can go', async () => (await clear()).blobs === 1);
          assert.equal(await cached(), 0);
          assert.equal((await checked(mounted.stop())).status, 0);
        });
      });
    });
  }

  describe('two mounts and a fetch', () => {
    it('share one cache', () => {
      const large = randomBytes(20 * MB + 1);
      return atBucket(user, { large }, async site => {
        const { place, gate, done } = site;
        const other = join(place.base, 'other');
        mkdirSync(other);
        place.give(other);
        const mounts = [await place.mount(), await place.mount([], other)];
        const files = mounts.map(({ mountpoint }) => join(mountpoint, 'b/large'));
        const out = join(place.base, 'out');
        await Promise.all([
          done('fetch', '/b/large', '-o', out),
          ...files.map(file => assertReads(reading(site, file), large, file)),
        ]);
        assert.equal(sha256(readFileSync(out)), sha256(large));
        await gate.close();
        for (const file of files) {
          assert.equal(sha256(await readAt(site, file, 3, 30 * MB)), sha256(large.subarray(3)), file);
        }
        assert.equal(sha256((await site.facet('fetch', '/b/large', '--stdout')).bytes), sha256(large));
      });
    });
  });
});
