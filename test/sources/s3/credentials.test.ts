/** Credentials of the environment, and those that come from a program, as the AWS tools ask it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { credentialChain } from '../../../src/sources/s3/credentials.js';
import { fails } from '../../contract/remote-source.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';

/** For the length of a test nothing is set for the AWS tools but what it sets. */
function clearEnvironment(context: TestContext): void {
  const before = { ...process.env };
  context.after(() => {
    process.env = before;
  });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
}

test('keys in the environment are taken, unless a profile is named', async context => {
  const folder = temporaryFolder(context);
  clearEnvironment(context);
  const work = '[work]\naws_access_key_id=of work\naws_secret_access_key=secret\n';
  process.env.AWS_SHARED_CREDENTIALS_FILE = writeFile(folder, 'credentials', work);
  process.env.AWS_CONFIG_FILE = writeFile(folder, 'config', '');
  process.env.AWS_EC2_METADATA_DISABLED = 'true';
  const found = async (options = {}) => (await (await credentialChain(options))())?.accessKeyId;
  process.env.AWS_ACCESS_KEY_ID = 'of the environment';
  await assert.rejects(found(), fails('denied', /no S3 credentials/));
  Object.assign(process.env, { AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' });
  assert.deepEqual(await (await credentialChain({}))(), {
    accessKeyId: 'of the environment',
    secretAccessKey: 'secret',
    sessionToken: 'token',
  });
  assert.equal(await found({ profile: 'work' }), 'of work');
  process.env.AWS_CREDENTIAL_EXPIRATION = new Date(Date.now() + 3_600_000).toISOString();
  assert.equal(await found(), 'of the environment');
  process.env.AWS_PROFILE = 'work';
  assert.equal(await found(), 'of work');
});

test('a program of the profile gives the credentials, and is asked again before they expire', {
  timeout: 20_000,
}, async context => {
  const folder = temporaryFolder(context);
  const script = `#!/bin/sh
echo >>${folder}/asked
echo '{"Version":1,"AccessKeyId":"key'$(wc -l <${folder}/asked)'","SecretAccessKey":"secret","SessionToken":"token","Expiration":"'$(cat ${folder}/expires)'"}'`;
  const program = writeFile(folder, 'program', script);
  writeFile(folder, 'expires', new Date(Date.now() + 1000).toISOString());
  const config = `[profile work]\ncredential_process = sh ${program}\n[profile broken]\ncredential_process = false\n`;
  clearEnvironment(context);
  process.env.AWS_CONFIG_FILE = writeFile(folder, 'config', config);
  process.env.AWS_SHARED_CREDENTIALS_FILE = writeFile(folder, 'credentials', '');
  process.env.AWS_EC2_METADATA_DISABLED = 'true';
  const find = await credentialChain({ profile: 'work' });
  const first = await find();
  assert.deepEqual(
    [first?.accessKeyId, first?.secretAccessKey, first?.sessionToken],
    ['key1', 'secret', 'token'],
  );
  writeFile(folder, 'expires', new Date(Date.now() + 3_600_000).toISOString());
  // The old ones are good until the new ones are there.
  while ((await find())?.accessKeyId === 'key1') await wait(5);
  assert.equal((await find())?.accessKeyId, 'key2', 'while they are good, nobody is asked');
  await assert.rejects((await credentialChain({ profile: 'broken' }))(), fails('denied', /profile broken/));
});
