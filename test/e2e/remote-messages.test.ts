/** What facet says when a remote source is not what it should be: real processes, and servers that are wrong in one way. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { serveFolder, startServer } from '../support/file-server.js';
import { inPlace, users } from '../support/mounted.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

const user = users[0] ?? assert.fail();

/** A server of buckets, whose objects can be listed and not read. */
async function serveBuckets(context: TestContext, keys: readonly string[]): Promise<string> {
  const { url } = await startServer(context, (request, response) => {
    if (request.url?.includes('list-type')) return void response.end(pageOf(keys));
    response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
  });
  return url;
}

function pageOf(keys: readonly string[]): string {
  const objects = keys.map(
    key =>
      `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>2024-05-01T10:00:00Z</LastModified>` +
      '<ETag>&quot;x&quot;</ETag><Size>1</Size></Contents>',
  );
  return `<ListBucketResult><EncodingType>url</EncodingType>${objects.join('')}</ListBucketResult>`;
}

test('of several sources that cannot be scanned each warning names its own', async context => {
  const endpoint = await serveBuckets(context, ['a']);
  await inPlace(user, async place => {
    const add = (name: string, at: string) =>
      place.done('index', 'add', name, 's3://bucket', '--endpoint', at, '--anonymous');
    await add('good', endpoint);
    await add('bad', 'http://127.0.0.1:1');
    const { status, stderr } = await place.facet('index', 'scan');
    assert.equal(status, 4);
    assert.match(stderr, /warning: bad: cannot reach http:\/\/127\.0\.0\.1:1: the connection is refused\n/);
    assert.match(stderr, /\nfacet: 1 of 2 sources could not be scanned\nhint: .*facet index status\n$/);
  });
});

test('to run the same command again is the next step only for what may be over by itself', async context => {
  const endpoint = await serveBuckets(context, ['a', 'b']);
  await inPlace(user, async place => {
    await place.done('index', 'add', 'b', 's3://bucket', '--endpoint', endpoint, '--anonymous');
    await place.done('index', 'scan');
    for (const [command, done] of [
      [['fetch', '/b', '-o', 'out'], 'fetched'],
      [['cache', 'warm', '/b'], 'downloaded'],
    ] as const) {
      const { status, stderr } = await place.facet(...command);
      assert.equal(status, 1);
      assert.match(stderr, /SignatureDoesNotMatch\nhint: check AWS_ACCESS_KEY_ID/);
      const again = `when that is mended, run the same command again: what was ${done} is not ${done} twice`;
      assert.ok(stderr.endsWith(`\nhint: ${again}\n`), stderr);
    }
  });
});

test('of a server that encrypts nothing it is said that it does not speak TLS', async context => {
  const endpoint = (await serveBuckets(context, ['a'])).replace('http:', 'https:');
  await inPlace(user, async place => {
    await place.done('index', 'add', 'b', 's3://bucket', '--endpoint', endpoint, '--anonymous');
    const { status, stderr } = await place.facet('index', 'scan');
    assert.equal(status, 5);
    assert.equal(
      stderr.replaceAll(endpoint, 'IT').split('\nhint: write http://')[0],
      'facet: IT does not speak TLS',
    );
  });
});

test('when all files are gone it is asked what can be the matter with such a source', async context => {
  const keys = ['a'];
  const endpoint = await serveBuckets(context, keys);
  const site = temporaryFolder(context);
  writeFile(site, 'a');
  const { url } = await startServer(context, serveFolder(site));
  await inPlace(user, async place => {
    place.write('a', 'a');
    const remote = join(place.base, 'remote');
    mkdirSync(remote);
    writeFile(remote, 'a');
    writeFileSync(join(place.base, '.rclone.conf'), `[test]\ntype = alias\nremote = ${remote}\n`);
    place.give(place.base);
    await place.done('index', 'add', 'bucket', 's3://bucket', '--endpoint', endpoint, '--anonymous');
    await place.done('index', 'add', 'web', `${url}/`);
    await place.done('index', 'add', 'rclone', 'rclone:test:');
    await place.done('index', 'add', 'folder', place.source);
    await place.done('index', 'scan');
    keys.pop();
    for (const folder of [site, remote, place.source]) rmSync(join(folder, 'a'));
    for (const [source, question] of [
      ['bucket', 'is it still the same bucket'],
      ['web', 'does the server still list'],
      ['rclone', 'does the remote still lead'],
      ['folder', 'is the disk mounted?'],
    ] as const) {
      const { status, stderr } = await place.facet('index', 'scan', source);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`1 of the 1 files of ${source} are gone; nothing was deleted`));
      assert.ok(stderr.includes(`hint: ${question}`), stderr);
      assert.match(stderr, new RegExp(`facet index scan ${source} --allow-shrink`));
    }
  });
});
