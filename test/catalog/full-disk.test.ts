/** A full disk under the catalog: an error that says so, nothing damaged, and work goes on when there is space again. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import { changesOf, openCatalog, putFiles, putSource } from '../support/catalogs.js';
import { isNoSpace, leave, needsRoot, smallDisk } from '../support/small-disk.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

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
  const disk = smallDisk(t, 4);
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
  const disk = smallDisk(t, 4);
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
  const disk = smallDisk(t, 4);
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
  const disk = smallDisk(t, 4);
  const file = join(disk, 'catalog.db');
  const filler = leave(disk, 0);
  assert.throws(() => openCatalog(file), isNoSpace);
  rmSync(filler);
  const catalog = openCatalog(file);
  putFiles(catalog, putSource(catalog), '', ['a']);
  assertSound(catalog.db);
  catalog.close();
});
