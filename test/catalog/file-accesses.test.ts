/** When files were read, and how often: written now and then, never waited for, and no change of the files. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import { openDatabase } from '../../src/catalog/database.js';
import { accessOf, FileAccesses } from '../../src/catalog/file-accesses.js';
import { changesOf, putFiles, putSource, temporaryCatalog } from '../support/catalogs.js';
import { Ruled } from '../support/ruled.js';

const MINUTE_MS = 60_000;
const NOW = 1_700_000_000_000;

interface Setup {
  catalog: Catalog;
  accesses: FileAccesses;
  ids: [number, number];
  /** Time passes. */
  later(ms: number): void;
}

function setup(context: TestContext): Setup {
  context.mock.timers.enable({ apis: ['Date'], now: NOW });
  const catalog = temporaryCatalog(context);
  const [first = 0, second = 0] = putFiles(catalog, putSource(catalog), '', ['a', 'b']);
  const accesses = new FileAccesses(catalog.file);
  context.after(() => accesses.close());
  return { catalog, accesses, ids: [first, second], later: ms => context.mock.timers.tick(ms) };
}

test('what was read is known after the next flush, and is no change of a file', t => {
  const { catalog, accesses, ids } = setup(t);
  const before = changesOf(catalog);
  for (const id of [ids[0], ids[0], ids[1]]) accesses.note(id);
  assert.equal(accessOf(catalog.db, ids[0]), undefined);
  accesses.flush();
  assert.deepEqual(accessOf(catalog.db, ids[0]), { at: NOW, count: 2 });
  assert.deepEqual(accessOf(catalog.db, ids[1]), { at: NOW, count: 1 });
  assert.deepEqual(changesOf(catalog), before);
});

test('a file is written once a minute, whatever the number of reads and flushes', t => {
  const { catalog, accesses, ids, later } = setup(t);
  accesses.note(ids[0]);
  accesses.flush();
  for (let second = 1; second < 60; second++) {
    later(1_000);
    accesses.note(ids[0]);
    accesses.flush();
    assert.deepEqual(accessOf(catalog.db, ids[0]), { at: NOW, count: 1 });
  }
  later(1_000);
  accesses.flush();
  assert.deepEqual(accessOf(catalog.db, ids[0]), { at: NOW + 59_000, count: 60 });
  later(2 * MINUTE_MS);
  accesses.flush();
  accesses.note(ids[0]);
  accesses.flush();
  assert.deepEqual(accessOf(catalog.db, ids[0]), { at: NOW + 3 * MINUTE_MS, count: 61 });
});

test('while another process writes nothing is lost, and nobody waits', t => {
  const { catalog, accesses, ids, later } = setup(t);
  const other = openDatabase(catalog.file, 'write');
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  accesses.note(ids[0]);
  accesses.flush();
  later(10_000);
  accesses.note(ids[0]);
  other.exec('COMMIT');
  accesses.flush();
  assert.deepEqual(accessOf(catalog.db, ids[0]), { at: NOW + 10_000, count: 2 });
});

test('what was noted last is written at the end, and files that are forgotten leave nothing behind', t => {
  const { catalog, accesses, ids } = setup(t);
  for (const id of ids) accesses.note(id);
  catalog.db.prepare('DELETE FROM files WHERE id = ?').run(ids[0]);
  accesses.close();
  assert.equal(accessOf(catalog.db, ids[0]), undefined);
  assert.equal(accessOf(catalog.db, ids[1])?.count, 1);
  catalog.db.prepare('DELETE FROM files WHERE id = ?').run(ids[1]);
  assert.equal(accessOf(catalog.db, ids[1]), undefined);
});

test('more files than are remembered are written at once', t => {
  const { catalog, accesses } = setup(t);
  const names = Array.from({ length: 20_001 }, (_, nth) => `f${nth}`);
  const many = putFiles(catalog, putSource(catalog, 'many'), '', names);
  for (const id of many) accesses.note(id);
  assert.equal(catalog.db.prepare('SELECT count(*) FROM accesses').pluck().get(), many.length);
});

test('two processes that read one file count together', t => {
  const { catalog, accesses, ids } = setup(t);
  const other = new FileAccesses(catalog.file);
  for (const each of [accesses, other, other]) each.note(ids[0]);
  accesses.flush();
  other.close();
  assert.deepEqual(accessOf(catalog.db, ids[0]), { at: NOW, count: 3 });
});

test('rules that ask when files were read place them when they are, and again when time passes', t => {
  t.mock.timers.enable({ apis: ['Date'], now: NOW });
  const ruled = new Ruled(t, ['docs:a', 'docs:b']);
  ruled.apply(`
  - {path: /Recent, where: accessed<1h, place: flat}
  - {path: /Forgotten, where: accessed>30d, place: flat}
`);
  const { catalog } = ruled;
  const accesses = new FileAccesses(catalog.file);
  assert.deepEqual(ruled.files(), { 'Forgotten/a': 'docs:a', 'Forgotten/b': 'docs:b' });
  accesses.note(ruled.id('docs:a'));
  accesses.close();
  catalog.revisit();
  assert.deepEqual(ruled.files(), { 'Forgotten/b': 'docs:b', 'Recent/a': 'docs:a' });
  t.mock.timers.tick(60 * MINUTE_MS);
  catalog.revisit();
  assert.deepEqual(ruled.files(), { 'Forgotten/b': 'docs:b' });
  t.mock.timers.tick(30 * 24 * 60 * MINUTE_MS);
  catalog.revisit();
  assert.deepEqual(ruled.files(), { 'Forgotten/a': 'docs:a', 'Forgotten/b': 'docs:b' });
});

test('where no rule asks when files were read, none is looked at for that', t => {
  const ruled = new Ruled(t, ['docs:a']);
  ruled.apply('  - {path: /All, place: flat}\n');
  const accesses = new FileAccesses(ruled.catalog.file);
  accesses.note(ruled.id('docs:a'));
  accesses.close();
  assert.equal(ruled.catalog.db.prepare('SELECT count(*) FROM due').pluck().get(), 0);
});
