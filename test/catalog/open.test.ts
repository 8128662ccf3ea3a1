/** Opening a catalog: making a new one, and refusing what is none, is damaged or comes from a later version. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { openDatabase } from '../../src/catalog/database.js';
import { databaseError } from '../../src/catalog/database-error.js';
import { Descriptions } from '../../src/catalog/descriptions.js';
import { MIGRATIONS, SCHEMA_VERSION } from '../../src/catalog/schema.js';
import { FacetError, type FacetErrorCode } from '../../src/errors.js';
import { openCatalog, putFiles, putSource } from '../support/catalogs.js';
import { runProgram, startProgram } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { assertSound, readTree } from '../support/tree-contents.js';

const OPENING = new URL('./open-process.js', import.meta.url);

function catalogFile(context: TestContext): string {
  return join(temporaryFolder(context), 'catalog.db');
}

/** Every way of opening must refuse, with a hint and without changing a byte. */
function assertRefused(file: string, code: FacetErrorCode, hint: RegExp): void {
  const before = readFileSync(file, 'latin1');
  for (const readonly of [false, true]) {
    assert.throws(
      () => openDatabase(file, readonly ? 'read' : 'create'),
      hinted(code, hint),
      `readonly: ${readonly}`,
    );
    assert.ok(readFileSync(file, 'latin1') === before, 'a refused file was written to');
  }
}

function hinted(code: FacetErrorCode, hint: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

function databaseOf(file: string, ...statements: string[]): void {
  const db = new SqliteDatabase(file);
  for (const statement of statements) db.exec(statement);
  db.close();
}

/** A catalog with enough files to span many pages, all of them in the database file itself. */
function filledCatalog(context: TestContext): string {
  const file = catalogFile(context);
  const catalog = openCatalog(file);
  const names = Array.from({ length: 3_000 }, (_, at) => `file ${at}`);
  putFiles(catalog, putSource(catalog), 'folder', names);
  catalog.db.pragma('wal_checkpoint(TRUNCATE)');
  catalog.close();
  return file;
}

test('a catalog is made where there is none, with the folders above it, and found again', t => {
  const file = join(temporaryFolder(t), 'some', 'where', 'catalog.db');
  const made = openCatalog(file);
  putFiles(made, putSource(made), '', ['a']);
  made.close();
  const found = openCatalog(file);
  assert.deepEqual([...readTree(found.db).keys()], ['docs', 'docs/a']);
  found.close();
});

test('a database says which program and which version made it', t => {
  const db = openDatabase(catalogFile(t));
  assert.equal(db.pragma('application_id', { simple: true }), 0x66616374);
  assert.equal(db.pragma('user_version', { simple: true }), SCHEMA_VERSION);
  assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
  db.close();
});

for (let version = 1; version < SCHEMA_VERSION; version++) {
  test(`a catalog of version ${version} is brought up to date, with what is in it`, t => {
    const file = catalogFile(t);
    databaseOf(
      file,
      ...MIGRATIONS.slice(0, version),
      'PRAGMA application_id = 0x66616374',
      `PRAGMA user_version = ${version}`,
      `INSERT INTO sources(id, name, uri, options) VALUES (1, 'docs', '/nowhere', '{"include":[],"exclude":[]}')`,
      `INSERT INTO folders(id, source_id, path, mtime_us, mode) VALUES (1, 1, '', 0, ${0o040755})`,
      `INSERT INTO files(id, folder_id, name, size, mtime_us, mode) VALUES (1000, 1, 'a', 1, 1, ${0o100644})`,
      `INSERT INTO dirs VALUES (1001, 1, 'docs', 0, ${0o040755}, 1)`,
      `INSERT INTO entries(parent, name, ino, type) VALUES (1, 'docs', 1001, 4), (1001, 'a', 1000, 8)`,
      `UPDATE counters SET value = 1002`,
      ...(version < 2 ? [] : [`INSERT INTO properties(file_id, json) VALUES (1000, '{"title":"Dune"}')`]),
    );
    const catalog = openCatalog(file);
    t.after(() => catalog.close());
    assertSound(catalog.db);
    assert.deepEqual([...readTree(catalog.db).keys()], ['docs', 'docs/a']);
    const record = catalog.files.get(1000);
    assert.deepEqual([record?.name, record?.version, record?.key], ['a', null, null]);
    catalog.write(writer => writer.tellFile(1000, { title: 'Alien', year: 1979 }));
    const title = version < 2 ? 'Alien' : 'Dune';
    assert.deepEqual(new Descriptions(catalog.db).properties(1000), { title, year: 1979 });
    putFiles(catalog, catalog.sources.get('docs'), 'new', ['b']);
    assert.equal(catalog.db.pragma('user_version', { simple: true }), SCHEMA_VERSION);
  });
}

test('reading where there is no catalog is not-found, and makes none', t => {
  const file = catalogFile(t);
  assert.throws(() => openDatabase(file, 'read'), hinted('not-found', /facet index add/));
  assert.equal(existsSync(file), false);
});

test('a file that another process is just making is not a catalog yet', t => {
  const file = catalogFile(t);
  writeFileSync(file, '');
  assert.throws(() => openDatabase(file, 'read'), hinted('not-found', /facet index add/));
  openDatabase(file).close();
  openDatabase(file, 'read').close();
});

for (const version of [0, SCHEMA_VERSION, 70]) {
  test(`the database of another program, with a user_version of ${version}, is refused and left alone`, t => {
    const file = catalogFile(t);
    databaseOf(file, 'CREATE TABLE moz_places(url)', `PRAGMA user_version = ${version}`);
    assertRefused(file, 'integrity', /--home/);
  });
}

test('a text file is refused and left alone', t => {
  const file = catalogFile(t);
  writeFileSync(file, 'Dear diary,\n'.repeat(1_000));
  assertRefused(file, 'integrity', /--home/);
});

test('a catalog of a later version is refused and left alone', t => {
  const file = catalogFile(t);
  openDatabase(file).close();
  databaseOf(file, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  assertRefused(file, 'failed', /upgrade facet/);
});

test('a folder in the place of the catalog is an error that can be acted on', t => {
  const file = catalogFile(t);
  mkdirSync(file);
  assert.throws(() => openDatabase(file), hinted('denied', /--home/));
});

for (const keep of [0.02, 0.3, 0.9]) {
  test(`a catalog cut to ${keep * 100} % is told as damaged, whatever is done with it`, t => {
    const file = filledCatalog(t);
    truncateSync(file, Math.floor(statSync(file).size * keep));
    assertToldAsDamaged(file);
  });
}

test('a catalog with pages of noise is told as damaged, whatever is done with it', t => {
  const file = filledCatalog(t);
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 8_192);
  writeFileSync(file, bytes);
  assertToldAsDamaged(file);
});

test('a catalog that has lost its header is told as damaged', t => {
  const file = filledCatalog(t);
  const bytes = readFileSync(file);
  bytes.fill(0, 0, 100);
  writeFileSync(file, bytes);
  assertToldAsDamaged(file);
});

/** Opening and writing say so themselves; what reading throws is translated where it is told. */
function assertToldAsDamaged(file: string): void {
  const scanAgain = hinted('integrity', /scan again/);
  let catalog: ReturnType<typeof openCatalog>;
  try {
    catalog = openCatalog(file);
  } catch (error) {
    assert.ok(scanAgain(error));
    return;
  }
  try {
    assert.throws(
      () => readTree(catalog.db),
      error => scanAgain(databaseError(error, file)),
    );
    assert.throws(() => putFiles(catalog, putSource(catalog, 'more'), 'folder', ['x']), scanAgain);
  } finally {
    catalog.close();
  }
}

test('a catalog in a folder without permission is denied', async t => {
  const folder = join(temporaryFolder(t), 'closed');
  mkdirSync(folder, 0o500);
  const file = join(folder, 'catalog.db');
  assert.equal(await runProgram<string>(t, OPENING, [file], { unprivileged: true }), 'denied');
});

test('many processes that open a new catalog at once all get the same one', async t => {
  for (let round = 0; round < 2; round++) {
    const file = catalogFile(t);
    const programs = Array.from({ length: 6 }, () => startProgram(t, OPENING, [file, 'wait']));
    await Promise.all(programs.map(program => program.line()));
    for (const program of programs) program.process.stdin?.end();
    const told = await Promise.all(programs.map(program => program.line()));
    assert.deepEqual(new Set(told), new Set(['"opened"']));
    const catalog = openCatalog(file);
    assertSound(catalog.db);
    catalog.close();
  }
});
