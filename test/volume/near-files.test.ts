/** Files of remote sources that are in folders of this machine as well: the right ones, and never waited for long. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { FileLocation } from '../../src/catalog/files.js';
import { MappedFolders } from '../../src/volume/mapped-folders.js';
import { defaultPatience, NearFiles } from '../../src/volume/near-files.js';
import { putSource, temporaryCatalog } from '../support/catalogs.js';
import { whileHung } from '../support/hung-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MODIFIED_S = 1_600_000_000;
/** For folders that do hang; a busy machine may keep others waiting as long. */
const impatient = { answerMs: 1_000, awayMs: 200 };

function setup(context: TestContext, { uri = 'https://host/films/', patience = defaultPatience } = {}) {
  const catalog = temporaryCatalog(context);
  const source = putSource(catalog, 'films', uri);
  const folder = temporaryFolder(context);
  const mapped = [
    { source: 'films', prefix: '', at: join(folder, 'all') },
    { source: 'films', prefix: 'new/', at: join(folder, 'new') },
    { source: 'others', prefix: '', at: join(folder, 'none') },
  ];
  for (const { at } of mapped) mkdirSync(at);
  const near = new NearFiles(new MappedFolders(catalog.sources, mapped), patience);
  context.after(() => near.close());
  const write = (path: string, contents: string | Buffer) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
    utimesSync(join(folder, path), MODIFIED_S, MODIFIED_S);
  };
  const file = (path: string, size: number, mtimeUs = MODIFIED_S * 1e6): FileLocation => {
    const folderPath = path.includes('/') ? dirname(path) : '';
    const name = path.slice(path.lastIndexOf('/') + 1);
    return { sourceId: source.id, folderPath, name, size, mtimeUs, version: null, key: null, sha256: null };
  };
  /** All of a file; undefined where it is not. */
  const contents = async (...which: Parameters<typeof file>) => {
    const found = await near.open(file(...which));
    const bytes = await found?.read(0, which[1]);
    found?.close();
    return bytes?.toString();
  };
  return { folder, near, write, file, contents };
}

test('a file is where its folder is mapped to, the closest first', async t => {
  const { write, contents } = setup(t);
  write('all/a', 'alpha');
  write('all/sub/b', 'beta');
  write('all/new/c', 'wrong');
  write('new/c', 'gamma');
  assert.equal(await contents('a', 5), 'alpha');
  assert.equal(await contents('sub/b', 4), 'beta');
  assert.equal(await contents('new/c', 5), 'gamma');
  assert.equal(await contents('newer', 5), undefined);
});

test('what may be another version is not there', async t => {
  const { folder, write, contents } = setup(t);
  write('all/a', 'alpha');
  assert.equal(await contents('a', 4), undefined);
  assert.equal(await contents('a', 5, (MODIFIED_S + 1.5) * 1e6), 'alpha');
  assert.equal(await contents('a', 5, (MODIFIED_S + 2) * 1e6), undefined);
  write('all/placeholder', '');
  truncateSync(join(folder, 'all/placeholder'), 5);
  utimesSync(join(folder, 'all/placeholder'), MODIFIED_S, MODIFIED_S);
  assert.equal(await contents('placeholder', 5), undefined);
  write('outside', 'alpha');
  symlinkSync('../outside', join(folder, 'all/link'));
  symlinkSync('..', join(folder, 'all/up'));
  execFileSync('mkfifo', [join(folder, 'all/fifo')]);
  for (const path of ['link', 'up/outside', 'fifo', '../outside'])
    assert.equal(await contents(path, 5), undefined, path);
});

test('the times of a bucket are not those of the files', async t => {
  const { write, contents } = setup(t, { uri: 's3://bucket' });
  write('all/a', 'alpha');
  assert.equal(await contents('a', 5, 0), 'alpha');
  assert.equal(await contents('a', 4, 0), undefined);
});

test('bytes of a file that changes while it is open are not given out', async t => {
  const { near, write, file } = setup(t);
  const large = randomBytes(3_000_000);
  write('all/a', large);
  const opened = await near.open(file('a', large.length));
  assert.deepEqual(await opened?.read(1_000_000, 2_000_001), large.subarray(1_000_000, 2_000_001));
  assert.deepEqual(await opened?.read(2_999_999, 3_000_000), large.subarray(2_999_999));
  assert.equal(await opened?.read(2_999_999, 3_000_001), undefined);
  write('all/a', large.subarray(1));
  assert.equal(await opened?.read(0, 1), undefined);
  opened?.close();
  assert.equal(await opened?.read(0, 1), undefined);
});

test('a folder that hangs is given up, left alone, and found again', async t => {
  const { folder, near, write, file, contents } = setup(t, { patience: impatient });
  write('new/c', 'gamma');
  await whileHung(join(folder, 'all'), async () => {
    const answers = await Promise.all([near.open(file('a', 5)), near.open(file('b', 5))]);
    assert.deepEqual(answers, [undefined, undefined]);
    assert.equal(await near.open(file('a', 5)), undefined);
    assert.equal(await contents('new/c', 5), 'gamma', 'another folder answers');
  });
  write('all/a', 'alpha');
  while ((await contents('a', 5)) === undefined) await wait(20);
});

test('a file that is open in a folder that begins to hang comes from elsewhere', async t => {
  const { folder, near, write, file } = setup(t, { patience: impatient });
  write('all/sub/a', 'alpha');
  const opened = await near.open(file('sub/a', 5));
  assert.equal((await opened?.read(0, 5))?.toString(), 'alpha');
  await whileHung(join(folder, 'all/hung'), async () => {
    const [hung, read] = await Promise.all([near.open(file('hung/a', 5)), opened?.read(0, 5)]);
    assert.deepEqual([hung, read], [undefined, undefined]);
  });
});
