/** What only a real S3 server can say: about keys, clocks, buckets and large listings. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { fails, filesOf, noise, readBytes } from '../../contract/remote-source.js';
import { makeBucket, send } from '../../support/s3.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';

test('a wrong secret, a wrong key and a missing bucket are told apart', async context => {
  const { name, endpoint } = await makeBucket();
  const folder = temporaryFolder(context);
  const profiles = [
    '[wrong-secret]\naws_access_key_id = test:tester\naws_secret_access_key = guess\n',
    '[wrong-key]\naws_access_key_id = nobody\naws_secret_access_key = testing\n',
    '[right]\naws_access_key_id = test:tester\naws_secret_access_key = testing\n',
  ];
  process.env.AWS_SHARED_CREDENTIALS_FILE = writeFile(folder, 'credentials', profiles.join(''));
  process.env.AWS_CONFIG_FILE = writeFile(folder, 'config', '');
  const cases = [
    ['wrong-secret', name, 'denied', /SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/],
    ['wrong-key', name, 'denied', /InvalidAccessKeyId|SignatureDoesNotMatch/],
    ['unknown', name, 'denied', /no S3 credentials in the profile unknown/],
    ['right', 'missing', 'not-found', /NoSuchBucket.*name of the bucket/],
  ] as const;
  for (const [profile, bucket, code, message] of cases) {
    const source = await openRemote(`s3://${bucket}`, { endpoint, profile, region: 'us-east-1' });
    context.after(() => source.close());
    await assert.rejects(filesOf(source), fails(code, message), profile);
    const gone = { path: 'file', key: undefined };
    await assert.rejects(source.stat(gone, new AbortController().signal), fails(code), `${profile}: stat`);
    await assert.rejects(
      readBytes(source, { ...gone, size: 9, version: undefined }),
      fails(code),
      `${profile}: read`,
    );
  }
  const source = await openRemote(`s3://${name}`, { endpoint, profile: 'right', region: 'us-east-1' });
  context.after(() => source.close());
  assert.equal((await filesOf(source)).size, 0);
});

test('a clock that is an hour slow is corrected', async context => {
  const bucket = await makeBucket();
  await bucket.put('file', 'contents');
  mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 });
  context.after(() => mock.timers.reset());
  for (const ask of ['list', 'stat', 'read'] as const) {
    const source = await openRemote(`s3://${bucket.name}`, {
      endpoint: bucket.endpoint,
      region: 'us-east-1',
    });
    context.after(() => source.close());
    const place = { path: 'file', key: undefined };
    if (ask === 'list') assert.deepEqual([...(await filesOf(source)).keys()], ['file']);
    if (ask === 'stat') assert.equal((await source.stat(place, new AbortController().signal))?.size, 8);
    if (ask === 'read')
      assert.equal(String(await readBytes(source, { ...place, size: 8, version: undefined })), 'contents');
  }
});

test('another region than that of the bucket is corrected', async context => {
  const bucket = await makeBucket();
  await bucket.put('file', 'contents');
  const source = await openRemote(`s3://${bucket.name}`, { endpoint: bucket.endpoint, region: 'eu-west-1' });
  context.after(() => source.close());
  assert.deepEqual([...(await filesOf(source)).keys()], ['file']);
});

test('a file of many parts has one version', async context => {
  const bucket = await makeBucket();
  const path = `/${bucket.name}/large`;
  const parts = [noise(5 * 1024 * 1024), noise(1000)];
  const { text } = await send(bucket.endpoint, 'POST', path, [['uploads', '']]);
  const upload = /<UploadId>(.*?)<\/UploadId>/.exec(text)?.[1] ?? '';
  const numbered = await Promise.all(
    parts.map(async (part, index) => {
      const query: [string, string][] = [
        ['partNumber', String(index + 1)],
        ['uploadId', upload],
      ];
      const { etag } = await send(bucket.endpoint, 'PUT', path, query, part);
      return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`;
    }),
  );
  const all = `<CompleteMultipartUpload>${numbered.join('')}</CompleteMultipartUpload>`;
  await send(bucket.endpoint, 'POST', path, [['uploadId', upload]], all);
  const source = await openRemote(`s3://${bucket.name}`, { endpoint: bucket.endpoint, region: 'us-east-1' });
  context.after(() => source.close());
  const file = (await filesOf(source)).get('large');
  assert.ok(file);
  assert.match(file.version ?? '', /-2"$/);
  assert.deepEqual(await readBytes(source, file), Buffer.concat(parts));
  assert.deepEqual((await source.stat(file, new AbortController().signal))?.version, file.version);
});

test('a large object that was put at once has the checksum of its bytes', async context => {
  const bucket = await makeBucket();
  const large = noise(9 * 1024 * 1024);
  await bucket.put('large', large);
  const source = await openRemote(`s3://${bucket.name}`, { endpoint: bucket.endpoint, region: 'us-east-1' });
  context.after(() => source.close());
  const file = (await filesOf(source)).get('large') ?? assert.fail();
  const { signal } = new AbortController();
  for (const isSame of [true, false]) {
    const checksum = await source.checksum?.(file, { ...file, signal });
    checksum?.update(isSame ? large : large.subarray(1));
    assert.equal(await checksum?.matches(), isSame);
  }
  await bucket.put('large', noise(10));
  const changed = async () => source.checksum?.(file, { ...file, signal });
  await assert.rejects(changed, fails('content-changed'));
});

test('more objects than there are on a page', async context => {
  const bucket = await makeBucket();
  const keys = Array.from({ length: 1200 }, (_, index) => `d${index % 70}/e/${index}`);
  for (let at = 0; at < keys.length; at += 50) {
    await Promise.all(keys.slice(at, at + 50).map(key => bucket.put(key, key)));
  }
  const source = await openRemote(`s3://${bucket.name}`, { endpoint: bucket.endpoint, region: 'us-east-1' });
  context.after(() => source.close());
  assert.deepEqual([...(await filesOf(source)).keys()].sort(), keys.sort());
});
