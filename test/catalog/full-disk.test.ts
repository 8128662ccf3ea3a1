/** A full disk under the catalog: an error that says so, nothing damaged, and work goes on when there is space again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import { FacetError } from '../../src/errors.js';
import { changesOf, openCatalog, putFiles, putSource } from '../support/catalogs.js';
import { isRoot } from '../support/processes.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

const needsRoot = isRoot ? false : 'only root can make a small disk';

function smallDisk(context: TestContext): string {
  const folder = makeFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'facet-test', folder]);
  context.after(() => {
    execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  });
  return folder;
}

/** Takes all the space that is left but `bytes`. */
function leave(disk: string, bytes: number): string {
  const { bavail, bsize } = statfsSync(disk);
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(Math.max(bavail * bsize - bytes, 0)));
  return filler;
}

function isNoSpace(error: unknown): boolean {
  assert.ok(error instanceof FacetError, String(error));
  assert.equal(error.code, 'no-space', error.message);
  assert.match(error.hint ?? '', /free some space/);
  return true;
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix} ${at} ${'x'.repeat(100)}`);
}

/** Writes folder after folder until the disk is full. Returns how many were written. */
function fill(catalog: Catalog, source = catalog.sources.get('docs')): number {
  for (let at = 0; ; at++) {
    try {
      putFiles(catalog, source, `folder ${at}`, names('file', 200));
    } catch (error) {
      isNoSpace(error);
      return at;
    }
  }
}

test('a write that finds the disk full is undone, and all that was written before stays', {
  skip: needsRoot,
}, t => {
  const disk = smallDisk(t);
  const catalog = openCatalog(join(disk, 'catalog.db'));
  t.after(() => catalog.close());
  putSource(catalog);
  const written = fill(catalog);
  assert.ok(written > 0);
  assertSound(catalog.db);
  assert.equal(catalog.files.totals(catalog.sources.get('docs').id).files, written * 200);
  assert.equal(changesOf(catalog).length, written * 200);
});

test('the next write goes on where the disk was full, once there is space', { skip: needsRoot }, t => {
  const disk = smallDisk(t);
  const file = join(disk, 'catalog.db');
  const catalog = openCatalog(file);
  putSource(catalog);
  const filler = leave(disk, 1 << 20);
  const written = fill(catalog);
  rmSync(filler);
  const source = catalog.sources.get('docs');
  putFiles(catalog, source, `folder ${written}`, names('file', 200));
  assertSound(catalog.db);
  assert.equal(catalog.files.totals(source.id).files, (written + 1) * 200);
  const paths = pathsOf(catalog.db);
  catalog.close();
  const again = openCatalog(file);
  assert.deepEqual(pathsOf(again.db), paths);
  assert.equal(again.db.pragma('integrity_check', { simple: true }), 'ok');
  again.close();
});

test('reading goes on while the disk is full', { skip: needsRoot }, t => {
  const disk = smallDisk(t);
  const file = join(disk, 'catalog.db');
  const catalog = openCatalog(file);
  t.after(() => catalog.close());
  putSource(catalog);
  fill(catalog);
  const paths = pathsOf(catalog.db);
  leave(disk, 0);
  const reading = openCatalog(file, undefined, 'read');
  assert.deepEqual(pathsOf(reading.db), paths);
  reading.close();
});

test('a catalog cannot be made on a full disk, and can be when there is space', { skip: needsRoot }, t => {
  const disk = smallDisk(t);
  const file = join(disk, 'catalog.db');
  const filler = leave(disk, 0);
  assert.throws(() => openCatalog(file), isNoSpace);
  rmSync(filler);
  const catalog = openCatalog(file);
  putFiles(catalog, putSource(catalog), '', ['a']);
  assertSound(catalog.db);
  catalog.close();
});
