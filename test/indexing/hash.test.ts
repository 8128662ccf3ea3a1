/** Checksums: computed where they are missing, or for all files to find what changed behind the same size and time. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ScanResult } from '../../src/indexing/scanning.js';
import { changesOf } from '../support/catalogs.js';
import { runProgram } from '../support/processes.js';
import { type Scanned, scannedFolder } from '../support/scanned.js';
import { writeFile, writeFiles } from '../support/temporary-folder.js';

const HASHING = new URL('./hash-process.js', import.meta.url);

function hashOf({ catalog, id }: Scanned, path: string): string | undefined {
  const { sha256 } = catalog.files.get(id(path)) ?? {};
  return sha256 ? Buffer.from(sha256).toString('hex') : undefined;
}

function sha256(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex');
}

/** Other contents of the same length, behind the same time. */
function changeUnnoticed(file: string, contents: string): void {
  const { atime, mtime } = statSync(file);
  writeFileSync(file, contents);
  utimesSync(file, atime, mtime);
}

test('without being asked, no checksum is computed', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a');
  assert.equal((await place.scan()).hashed, 0);
  assert.equal(hashOf(place, 'a'), undefined);
});

test('missing checksums are computed, once, of files of every size', async t => {
  const place = scannedFolder(t);
  const big = Buffer.alloc(3_000_001, 'facet');
  writeFile(place.root, 'empty', '');
  writeFile(place.root, 'x/small', 'small');
  writeFile(place.root, 'x/big', big);
  assert.equal((await place.scan({ hash: 'missing' })).hashed, 3);
  assert.deepEqual(
    ['empty', 'x/small', 'x/big'].map(path => hashOf(place, path)),
    ['', 'small', big].map(sha256),
  );
  assert.equal((await place.scan({ hash: 'missing' })).hashed, 0);
});

test('a file that changed has its checksum computed again', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b');
  await place.scan({ hash: 'missing' });
  writeFile(place.root, 'a', 'changed');
  await place.scan();
  assert.equal(hashOf(place, 'a'), undefined, 'the old one is not that of the new contents');
  assert.equal((await place.scan({ hash: 'missing' })).hashed, 1);
  assert.equal(hashOf(place, 'a'), sha256('changed'));
});

test('contents that changed behind the same size and time are found when all are read', async t => {
  const place = scannedFolder(t);
  writeFile(place.root, 'a', 'one');
  writeFile(place.root, 'b', 'other');
  await place.scan({ hash: 'missing' });
  utimesSync(join(place.root, 'a'), 5, 5);
  await place.scan({ hash: 'missing' });
  changeUnnoticed(join(place.root, 'a'), 'two');
  const logged = place.catalog.log.lastSeq();
  assert.equal((await place.scan({ hash: 'missing' })).modified, 0);
  const { hashed, modified } = await place.scan({ hash: 'all' });
  assert.deepEqual({ hashed, modified }, { hashed: 2, modified: 1 });
  assert.equal(hashOf(place, 'a'), sha256('two'));
  assert.deepEqual(changesOf(place.catalog, logged), [
    { fileId: place.id('a'), kind: 'modified', detail: null },
  ]);
  assert.equal((await place.scan({ hash: 'all' })).modified, 0);
});

test('links have no checksum', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a');
  symlinkSync('a', join(place.root, 'link'));
  assert.equal((await place.scan({ hash: 'all' })).hashed, 1);
  assert.equal(hashOf(place, 'link'), undefined);
});

test('with follow, what a link leads to has its checksum', async t => {
  const place = scannedFolder(t, { follow: true });
  writeFiles(place.root, 'x/a');
  symlinkSync('x', join(place.root, 'y'));
  assert.equal((await place.scan({ hash: 'missing' })).hashed, 2);
  assert.equal(hashOf(place, 'y/a'), sha256('x/a'));
});

test('a file that changes while it is read gets no checksum, and one with the next scan', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b');
  let changed = false;
  const change = () => {
    if (!changed) truncateSync(join(place.root, 'a'), 10_000);
    changed = true;
  };
  const { hashed } = await place.scan({ hash: 'missing', onProgress: change });
  assert.equal(hashed, 1);
  assert.equal(hashOf(place, 'a'), undefined);
  await place.scan({ hash: 'missing' });
  assert.equal(hashOf(place, 'a'), sha256(Buffer.concat([Buffer.from('a'), Buffer.alloc(9_999)])));
});

test('a file that cannot be read is reported; the others have their checksums', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'closed', 'open');
  await place.scan();
  chmodSync(join(place.root, 'closed'), 0);
  const result = await runProgram<ScanResult>(t, HASHING, [place.catalog.file], { unprivileged: true });
  assert.equal(result.hashed, 1);
  assert.deepEqual(
    result.unreadable.map(each => each.path),
    ['closed'],
  );
  assert.match(result.unreadable[0]?.reason ?? '', /no permission to read closed/);
  assert.equal(hashOf(place, 'open'), sha256('open'));
});
