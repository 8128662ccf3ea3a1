/** What the environment and the profile say of buckets, and which of them counts. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { placeOf, settled } from '../../../src/sources/open-remote.js';
import { readSurroundings } from '../../../src/sources/s3/surroundings.js';
import { fails } from '../../contract/remote-source.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';

const CONFIG = `
[default]
region = eu-north-1

[profile work]
region = eu-west-3
endpoint_url = https://work.example
ca_bundle = CA

[profile parts]
services = own
endpoint_url = https://all.example

[services own]
s3 =
  endpoint_url = https://s3.example
`;

function configure(context: TestContext, values: Record<string, string> = {}): string {
  const before = { ...process.env };
  context.after(() => {
    process.env = before;
  });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  const folder = temporaryFolder(context);
  const ca = writeFile(folder, 'ca.pem', 'PEM');
  const file = writeFile(folder, 'config', CONFIG.replace('CA', ca));
  const none = writeFile(folder, 'credentials', '');
  Object.assign(process.env, { AWS_CONFIG_FILE: file, AWS_SHARED_CREDENTIALS_FILE: none, ...values });
  return ca;
}

test('the profile says region, endpoint and authorities', async context => {
  configure(context);
  assert.deepEqual(await readSurroundings(undefined), {
    region: 'eu-north-1',
    endpoint: undefined,
    ca: undefined,
  });
  const work = { region: 'eu-west-3', endpoint: 'https://work.example', ca: 'PEM' };
  assert.deepEqual(await readSurroundings('work'), work);
  process.env.AWS_PROFILE = 'work';
  assert.deepEqual(await readSurroundings(undefined), work);
  assert.equal((await readSurroundings('parts')).endpoint, 'https://s3.example');
});

test('the environment comes before it, and what is of S3 before what is of all services', async context => {
  const ca = configure(context, { AWS_DEFAULT_REGION: 'second', AWS_ENDPOINT_URL: 'https://all' });
  assert.deepEqual(await readSurroundings('work'), { region: 'second', endpoint: 'https://all', ca: 'PEM' });
  Object.assign(process.env, { AWS_REGION: 'first', AWS_ENDPOINT_URL_S3: 'https://s3', AWS_CA_BUNDLE: ca });
  const found = await readSurroundings(undefined);
  assert.deepEqual(found, { region: 'first', endpoint: 'https://s3', ca: 'PEM' });
  process.env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = 'true';
  assert.equal((await readSurroundings('work')).endpoint, undefined);
});

test('certificates that cannot be read are an error that names them', async context => {
  configure(context, { AWS_CA_BUNDLE: '/nowhere/ca.pem' });
  await assert.rejects(readSurroundings(undefined), fails('usage', /\/nowhere\/ca\.pem/));
});

test('a source keeps the endpoint of where it was added, and buckets of one name at two of them are two', async context => {
  configure(context);
  const [one, other] = [{ profile: 'work' }, { profile: 'parts' }];
  const work = await settled('s3://backup/x', one);
  assert.deepEqual(work, { profile: 'work', endpoint: 'https://work.example' });
  const parts = await settled('s3://backup/x', other);
  assert.notEqual(placeOf('s3://backup/x', work), placeOf('s3://backup/x', parts));
  process.env.AWS_ENDPOINT_URL = 'https://all';
  assert.deepEqual(await settled('s3://backup', { endpoint: 'https://said' }), { endpoint: 'https://said' });
  assert.deepEqual(await settled('s3://backup'), { endpoint: 'https://all' });
  assert.deepEqual(await settled('https://host/'), {});
});
