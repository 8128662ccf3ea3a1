/** Which addresses are remote sources, and what is wrong with those that are not; attempts and the waits between them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isRemote, openRemote, placeOf } from '../../src/sources/open-remote.js';
import { type Failed, retried } from '../../src/sources/retry.js';
import { parseRetryAfter, TransientError } from '../../src/sources/web/transient.js';
import { fails } from '../contract/remote-source.js';

test('what is remote', () => {
  for (const uri of ['s3://b', 'http://h/', 'https://h/', 'HTTPS://h/', 'rclone:r:', 'rclone:r:a/b']) {
    assert.ok(isRemote(uri), uri);
    placeOf(uri);
  }
  for (const uri of ['/a', 'a', '~/a', 'file:///a', 'C:\\a', 's3', 'ftp://h/', ''])
    assert.ok(!isRemote(uri), uri);
});

test('what is wrong is said, and secrets are not', async () => {
  const wrong = [
    's3:b',
    's3:///b',
    's3://b--usw2-az1--x-s3/p',
    'http:',
    'https://',
    'http://user:secret@h/',
    'https://h/?a',
    'https://h/#a',
    'rclone:',
    'rclone:remote',
    'rclone::local:/',
    'rclone:/a',
    'ftp://h/',
    'constructor:x',
  ];
  for (const uri of wrong) {
    const usage = fails('usage', /./);
    const check = (error: unknown) => usage(error) && !String(error).includes('secret');
    assert.throws(() => placeOf(uri), check, uri);
    await assert.rejects(openRemote(uri), check, uri);
  }
  assert.throws(() => placeOf('s3://b', { endpoint: 'nonsense' }), fails('usage', /endpoint/));
});

test('one place can be written in several ways, and one name means several places', () => {
  const same = [
    ['s3://b/p', 's3://b/p/'],
    ['https://Host/a', 'https://host:443/a/'],
    ['https://host/a b/~c', 'https://host/%61%20b/%7ec/'],
    ['rclone:r:a', 'rclone:r:a//'],
  ] as const;
  for (const [one, other] of same) assert.equal(placeOf(one), placeOf(other));
  const at = (endpoint: string) => placeOf('s3://b', { endpoint });
  assert.equal(at('https://one.example'), at('https://ONE.example:443/'));
  const amazons = ['https://s3.amazonaws.com', 'https://s3.eu-west-1.amazonaws.com/'];
  for (const amazon of amazons) assert.equal(at(amazon), placeOf('s3://b', { region: 'us-west-2' }));
  const different = [
    placeOf('s3://b'),
    placeOf('s3://b', { region: 'cn-north-1' }),
    placeOf('https://host/a%2Fb'),
    placeOf('https://host/a/b'),
    placeOf('s3://b/p'),
    at('https://one.example'),
    at('https://two.example'),
    at('http://one.example'),
    at('https://one.example/base'),
    placeOf('https://host/'),
    placeOf('http://host/'),
  ];
  assert.equal(new Set(different).size, different.length);
});

test('nothing of a kind is loaded before one of it is opened', () => {
  const module = new URL('../../src/sources/open-remote.js', import.meta.url).href;
  // undici needs Node's http; what is light does not.
  const script = `const loaded = () => process.moduleLoadList.includes('NativeModule http');
    const { placeOf, openRemote } = await import(${JSON.stringify(module)});
    placeOf('s3://bucket', { endpoint: 'http://localhost' });
    const before = loaded();
    await openRemote('s3://bucket', { anonymous: true });
    console.log(before, loaded());`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(said, 'false true\n');
});

const noSignal = () => new AbortController().signal;

test('waits double, vary by a quarter, and end', async () => {
  const failed: Failed[] = [];
  const retry = {
    attempts: 6,
    firstWaitMs: 4,
    longestWaitMs: 16,
    onRetry: (each: Failed) => void failed.push(each),
  };
  await assert.rejects(
    retried(() => Promise.reject(new TransientError('down')), retry, noSignal()),
    fails('unreachable', /down/),
  );
  assert.deepEqual(
    failed.map(each => each.attempt),
    [1, 2, 3, 4, 5],
  );
  for (const [at, base] of [4, 8, 16, 16, 16].entries()) {
    const waitMs = failed[at]?.waitMs ?? 0;
    assert.ok(waitMs >= base * 0.75 - 1 && waitMs <= base * 1.25 + 1, `${waitMs} for ${base}`);
  }
});

test('what the server asks for is waited, up to the longest', async () => {
  for (const [askedMs, waitMs] of [
    [10, 10],
    [1000, 20],
  ] as const) {
    const failed: Failed[] = [];
    const retry = {
      attempts: 2,
      firstWaitMs: 1,
      longestWaitMs: 20,
      onRetry: (each: Failed) => void failed.push(each),
    };
    const error = new TransientError('down', { retryAfterMs: askedMs });
    await assert.rejects(
      retried(() => Promise.reject(error), retry, noSignal()),
      error,
    );
    assert.equal(failed[0]?.waitMs, waitMs);
  }
  const now = Date.parse('2024-05-01T10:00:00Z');
  assert.equal(parseRetryAfter('2', now), 2000);
  assert.equal(parseRetryAfter('Wed, 01 May 2024 10:00:05 GMT', now), 5000);
  assert.equal(parseRetryAfter('Wed, 01 May 2024 09:00:00 GMT', now), 0);
  for (const nonsense of [undefined, '', 'soon', '-1']) assert.equal(parseRetryAfter(nonsense, now) ?? 0, 0);
});

test('a wait ends when it is told to, and other errors are not tried again', async () => {
  const reason = new Error('enough');
  const ending = new AbortController();
  const retry = {
    attempts: 3,
    firstWaitMs: 60_000,
    longestWaitMs: 60_000,
    onRetry: () => ending.abort(reason),
  };
  await assert.rejects(
    retried(() => Promise.reject(new TransientError('down')), retry, ending.signal),
    reason,
  );
  let attempts = 0;
  const broken = async () => {
    attempts++;
    throw reason;
  };
  await assert.rejects(retried(broken, retry, noSignal()), reason);
  assert.equal(attempts, 1);
});
