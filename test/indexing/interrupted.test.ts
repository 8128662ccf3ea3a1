/** A scan that is stopped, killed, crowded out or short of space: nothing is lost, and the next one finishes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { FacetError } from '../../src/errors.js';
import { scan } from '../../src/indexing/scan.js';
import { openCatalog } from '../support/catalogs.js';
import { isRoot, startProgram } from '../support/processes.js';
import { seededPicks } from '../support/random.js';
import { assertTreeIsDisk, openScanned, type Scanned, scannedFolder } from '../support/scanned.js';
import { makeFolder, removeFolder, temporaryFolder, writeFiles } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

const SCANNING = new URL('./scan-process.js', import.meta.url);

function hasCode(code: string): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

/** Enough for several transactions. */
function fill({ root }: Scanned): void {
  for (let at = 0; at < 1_300; at++) mkdirSync(join(root, `folder ${at}`));
  for (let at = 0; at < 600; at++) writeFiles(root, `folder ${at}/a`, `folder ${at}/b`, `many/${at}`);
}

test('a scan that is told to stop keeps what it wrote, deletes nothing, and can be done again', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a', 'b', 'zzz/c');
  await place.scan();
  rmSync(join(place.root, 'a'));
  fill(place);
  const stop = new AbortController();
  const stopped = place.scan({ signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(stopped, { name: 'AbortError' });
  assertSound(place.catalog.db);
  assert.ok(place.ids().has('a'), 'what was not met is not gone');
  assert.ok(place.ids().size > 3, 'something was written');
  await place.scan();
  assertTreeIsDisk(place);
});

test('a scan that is told to stop before it begins changes nothing', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, 'a');
  await assert.rejects(place.scan({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.deepEqual(pathsOf(place.catalog.db), []);
  await place.scan();
  assertTreeIsDisk(place);
});

test('a scan that is told to stop while it computes checksums keeps those it has', async t => {
  const place = scannedFolder(t);
  writeFiles(place.root, ...Array.from({ length: 450 }, (_, at) => `${at}`));
  const stop = new AbortController();
  const onProgress = ({ hashed }: { hashed: number }) => hashed > 0 && stop.abort();
  await assert.rejects(place.scan({ hash: 'missing', signal: stop.signal, onProgress }), {
    name: 'AbortError',
  });
  const hashed = place.catalog.files.toHash(place.source.id, 0, 1_000, true).filter(file => file.sha256);
  assert.ok(hashed.length > 0 && hashed.length < 450, `${hashed.length}`);
  assert.equal((await place.scan({ hash: 'missing' })).hashed, 450 - hashed.length);
});

test('two scans of one source exclude each other, of different sources they do not', async t => {
  const place = scannedFolder(t);
  fill(place);
  const first = place.scan();
  await assert.rejects(place.scan(), hasCode('in-use'));
  const other = temporaryFolder(t);
  writeFiles(other, 'x');
  const source = place.catalog.write(() =>
    place.catalog.sources.add('other', other, { include: [], exclude: [], follow: false }),
  );
  assert.equal((await scan(place.catalog, source)).added, 1);
  await first;
  await place.scan();
  assertTreeIsDisk(place);
});

test('a scan in another process excludes one in this, until that process is gone', async t => {
  const place = scannedFolder(t);
  fill(place);
  const program = startProgram(t, SCANNING, [place.catalog.file, 'repeatedly']);
  assert.equal(await program.line(), 'listing');
  program.process.kill('SIGSTOP');
  await assert.rejects(place.scan(), hasCode('in-use'));
  program.process.kill('SIGKILL');
  await once(program.process, 'close');
  await place.scan();
  assertTreeIsDisk(place);
});

test('a source that is being scanned is not removed, and one that was removed is not scanned', async t => {
  const place = scannedFolder(t);
  fill(place);
  const scanning = place.scan();
  assert.throws(() => place.catalog.removeSource(place.source), hasCode('in-use'));
  await scanning;
  place.catalog.removeSource(place.source);
  assert.deepEqual(pathsOf(place.catalog.db), []);
  assertSound(place.catalog.db);
  await assert.rejects(scan(place.catalog, place.source), hasCode('not-found'));
  assertSound(place.catalog.db);
});

/** Moves, changes, removes and adds some of everything. */
function change({ root }: Scanned, round: number, pick: (below: number) => number): void {
  for (let at = 0; at < 60; at++) {
    const [from, to, changed] = [
      join(root, `folder ${pick(600)}`),
      `folder ${pick(600)}`,
      join(root, `many/${pick(600)}`),
    ];
    if (existsSync(join(from, 'a'))) renameSync(join(from, 'a'), join(root, to, `moved ${round} ${at}`));
    if (existsSync(changed)) appendFileSync(changed, 'more');
    rmSync(join(from, 'b'), { force: true });
    writeFiles(root, `new ${round}/${at}/x`);
  }
}

/** Kills a scan; in some rounds before it has written anything, in others a moment later. */
async function killScan(
  context: TestContext,
  { catalog }: Scanned,
  startedFirst: boolean,
  ms: number,
): Promise<void> {
  const { process: scanning, line } = startProgram(context, SCANNING, [catalog.file, 'repeatedly']);
  if (startedFirst) await line();
  await wait(ms);
  scanning.kill('SIGKILL');
  await once(scanning, 'close');
}

test('a scan that is killed at any moment leaves whole transactions, and the next one finishes', async t => {
  const place = scannedFolder(t);
  fill(place);
  const pick = seededPicks(20);
  for (let round = 0; round < 20; round++) {
    await killScan(t, place, round % 4 > 0, pick(round % 4 > 0 ? 40 : 250));
    assertSound(place.catalog.db);
    change(place, round, pick);
  }
  await place.scan();
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  const fresh = openScanned(openCatalog(join(temporaryFolder(t), 'catalog.db')), place.root);
  await fresh.scan();
  assert.deepEqual(pathsOf(place.catalog.db), pathsOf(fresh.catalog.db));
  fresh.catalog.close();
});

test('a scan on a full disk says so, and finishes when there is space', {
  skip: isRoot ? false : 'only root can make a small disk',
}, async t => {
  const disk = makeFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'facet-test', disk]);
  t.after(() => {
    execFileSync('umount', ['-l', disk]);
    removeFolder(disk);
  });
  const place = openScanned(openCatalog(join(disk, 'catalog.db')), temporaryFolder(t));
  fill(place);
  for (let at = 0; at < 6_000; at++) writeFileSync(join(place.root, `many/${'x'.repeat(200)} ${at}`), '');
  await assert.rejects(place.scan(), hasCode('no-space'));
  await assert.rejects(place.scan(), hasCode('no-space'));
  assertSound(place.catalog.db);
  execFileSync('mount', ['-o', 'remount,size=64m', disk]);
  await place.scan();
  assertTreeIsDisk(place);
  place.catalog.close();
});
