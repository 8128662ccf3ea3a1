/** What one answer of S3 corrects: the region, the clock, the place of a new bucket. And where buckets are. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { openRemote } from '../../../src/sources/open-remote.js';
import { findEndpoint, parseS3Uri } from '../../../src/sources/s3/endpoint.js';
import { fails } from '../../contract/remote-source.js';
import { startServer } from '../../support/file-server.js';

const place = { path: 'file', key: undefined };
const found = { size: 4, mtimeUs: 1_714_557_600_000_000, version: '"x"' };

function answer(response: ServerResponse): void {
  const headers = { etag: '"x"', 'last-modified': 'Wed, 01 May 2024 10:00:00 GMT', 'content-length': 4 };
  response.writeHead(200, headers).end();
}

type Refusal = (response: ServerResponse, region: string) => boolean;

async function ask(context: TestContext, refuse: Refusal) {
  let requests = 0;
  const { url } = await startServer(context, (request, response) => {
    requests++;
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!refuse(response, region)) answer(response);
  });
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });
  const source = await openRemote('s3://bucket', { endpoint: url, region: 'us-east-1' });
  context.after(() => source.close());
  return { stat: () => source.stat(place, new AbortController().signal), requests: () => requests };
}

const malformed =
  "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong</Message><Region>eu-west-1</Region></Error>";

const refusals: Readonly<Record<string, Refusal>> = {
  'a redirect with the region': (response, region) => {
    if (region !== 'us-east-1') return false;
    response.writeHead(301, { 'x-amz-bucket-region': 'eu-west-1' }).end();
    return true;
  },
  'a refusal with the region in its head': (response, region) => {
    if (region !== 'us-east-1') return false;
    response.writeHead(400, { 'x-amz-bucket-region': 'eu-west-1' }).end(malformed);
    return true;
  },
};

for (const [what, refuse] of Object.entries(refusals)) {
  test(`${what} is followed, and remembered`, async context => {
    const { stat, requests } = await ask(context, refuse);
    assert.deepEqual(await stat(), found);
    assert.deepEqual(await stat(), found);
    assert.equal(requests(), 3);
  });
}

test('regions without end are an error', async context => {
  const { stat, requests } = await ask(context, (response, region) => {
    response.writeHead(301, { 'x-amz-bucket-region': `${region}x` }).end();
    return true;
  });
  await assert.rejects(stat(), fails('failed', /301/));
  assert.ok(requests() <= 3, `${requests()} requests`);
});

test('a clock that is never right is an error', async context => {
  let ahead = 3_600_000;
  const { stat, requests } = await ask(context, response => {
    ahead *= 2;
    response.writeHead(403, { date: new Date(Date.now() + ahead).toUTCString() }).end();
    return true;
  });
  await assert.rejects(stat(), fails('denied', /403/));
  assert.ok(requests() <= 3, `${requests()} requests`);
});

test('a new bucket is found where it is for the time being', async context => {
  const other = await startServer(context, (_request, response) => answer(response));
  const { stat } = await ask(context, response => {
    response.writeHead(307, { location: `${other.url}/bucket/file` }).end();
    return true;
  });
  assert.deepEqual(await stat(), found);
});

test('that we pay is said with every request, and signed', async context => {
  const said: unknown[] = [];
  const { url } = await startServer(context, ({ headers }, response) => {
    said.push(headers['x-amz-request-payer'], /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1]);
    answer(response);
  });
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });
  const source = await openRemote('s3://bucket', { endpoint: url, requesterPays: true });
  context.after(() => source.close());
  await source.stat(place, new AbortController().signal);
  assert.deepEqual(said, ['requester', 'host;x-amz-content-sha256;x-amz-date;x-amz-request-payer']);
});

test('where buckets are', () => {
  const at = (...args: Parameters<typeof findEndpoint>) => {
    const { origin, path } = findEndpoint(...args);
    return origin + path;
  };
  assert.equal(at('bucket', 'eu-west-1', {}), 'https://bucket.s3.eu-west-1.amazonaws.com');
  assert.equal(at('with.dots', 'us-east-1', {}), 'https://s3.us-east-1.amazonaws.com/with.dots');
  assert.equal(at('bucket', 'cn-north-1', {}), 'https://bucket.s3.cn-north-1.amazonaws.com.cn');
  assert.equal(at('bucket', 'us-east-1', { pathStyle: true }), 'https://s3.us-east-1.amazonaws.com/bucket');
  assert.equal(at('bucket', 'auto', { endpoint: 'http://localhost:9000' }), 'http://localhost:9000/bucket');
  assert.equal(at('b', 'x', { endpoint: 'https://h/storage/v1/s3/' }), 'https://h/storage/v1/s3/b');
  assert.equal(at('bucket', 'x', { endpoint: 'https://h:1', pathStyle: false }), 'https://bucket.h:1');
});

test('addresses of buckets', () => {
  assert.deepEqual(parseS3Uri('s3://b'), { bucket: 'b', prefix: '' });
  assert.deepEqual(parseS3Uri('s3://b/'), { bucket: 'b', prefix: '' });
  assert.deepEqual(parseS3Uri('s3://b/a/c'), { bucket: 'b', prefix: 'a/c/' });
  assert.deepEqual(parseS3Uri('s3://b/a//'), { bucket: 'b', prefix: 'a//' });
  for (const uri of ['s3:', 's3://', 's3:///a', 's3:b'])
    assert.throws(() => parseS3Uri(uri), fails('usage'), uri);
  for (const endpoint of ['localhost:9000', 'http://key:secret@host', 'http://host/?a', '']) {
    const error = fails('usage');
    assert.throws(
      () => findEndpoint('b', 'r', { endpoint }),
      thrown => error(thrown) && !String(thrown).includes('secret'),
      endpoint,
    );
  }
});
