/** Buckets as a user meets them: real processes, real mounts, and a real S3 server behind a gate that tests can close. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

import { Gate } from '../support/gate.js';
import { inPlace, type Place, type Result, type User, until, users } from '../support/mounted.js';
import { type Bucket, makeBucket } from '../support/s3.js';
import { s3Environment } from '../support/s3-process.js';

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
    assertNoSecrets(readFileSync(join(folder, file), 'latin1'), file);
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

describe('a bucket', { concurrency: 2 }, () => {
  it('of odd keys is listed, fetched and scanned again; only what changed is a change', () =>
    atBucket(user, Object.fromEntries(Object.keys(odd).map(key => [key, `of ${key}`])), async site => {
      const { place, bucket, done } = site;
      const total = Object.keys(odd).length;
      assert.deepEqual(await scanned(site), { files: total, added: 0, modified: 0, renamed: 0, deleted: 0 });
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
      assert.deepEqual(await scanned(site), { files: total, added: 1, modified: 1, renamed: 0, deleted: 1 });
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

describe('facet fetch', { concurrency: 2 }, () => {
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

  it('that was interrupted, and interrupted again, goes on where it was', () => {
    const large = randomBytes(24 * MB + 5);
    return atBucket(user, { large }, async ({ place, gate, done }) => {
      const out = join(place.base, 'out/large');
      for (const bytes of [13 * MB, 9 * MB]) {
        gate.hold(bytes);
        const fetch = place.startFacet(['fetch', '/b/large', '-o', out]);
        await until('the gate holds', async () => gate.isHolding);
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
      assert.ok(rest < 14 * MB, `${rest} bytes were fetched the third time`);
    });
  });
});
