/** Several processes with one catalog: writers exclude each other, readers see whole transactions only. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { changesOf, openCatalog, putFiles, putSource, temporaryCatalog } from '../support/catalogs.js';
import { type Program, runProgram, startProgram } from '../support/processes.js';
import { assertSound, pathsOf, readTree } from '../support/tree-contents.js';
import type { Observations } from './reader-process.js';

const WRITING = new URL('./writer-process.js', import.meta.url);
const READING = new URL('./reader-process.js', import.meta.url);

const TRANSACTIONS = 150;

function startReader(context: TestContext, file: string): { stop(): Promise<Observations> } {
  const reader = startProgram(context, READING, [file]);
  return {
    async stop() {
      reader.process.stdin?.end();
      return JSON.parse(await reader.output);
    },
  };
}

test('two writers and a reader: nothing is lost, no number twice, no half of a transaction seen', async t => {
  const catalog = temporaryCatalog(t);
  for (const name of ['one', 'two']) putSource(catalog, name);
  const reader = startReader(t, catalog.file);
  const writers = ['one', 'two'].map(name => [catalog.file, name, `${TRANSACTIONS}`]);
  const [one = [], two = []] = await Promise.all(writers.map(args => runProgram<number[]>(t, WRITING, args)));
  const { snapshots, contradictions } = await reader.stop();
  assert.deepEqual(contradictions, []);
  assert.ok(snapshots > 0);
  assert.equal(one.length, TRANSACTIONS);
  assert.equal(new Set([...one, ...two]).size, 2 * TRANSACTIONS, 'numbers that were given');
  for (const id of [...one, ...two]) assert.equal(catalog.files.get(id)?.deletedAt, null);
  assertSound(catalog.db);
  const added = changesOf(catalog).filter(change => change.kind === 'added');
  assert.equal(added.length, 2 * 2 * TRANSACTIONS);
});

test('what writers leave behind does not depend on who was faster', async t => {
  const together = temporaryCatalog(t);
  const apart = temporaryCatalog(t);
  for (const catalog of [together, apart]) for (const name of ['one', 'two']) putSource(catalog, name);
  await Promise.all(['one', 'two'].map(name => runProgram(t, WRITING, [together.file, name, '40'])));
  for (const name of ['two', 'one']) await runProgram(t, WRITING, [apart.file, name, '40']);
  assert.deepEqual(pathsOf(together.db), pathsOf(apart.db));
});

test('a writer that is killed leaves whole transactions behind', async t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog, 'one');
  for (let round = 1; round <= 5; round++) {
    const reader = startReader(t, catalog.file);
    const writer: Program = startProgram(t, WRITING, [catalog.file, 'one', '1000000']);
    await writer.line();
    setTimeout(() => writer.process.kill('SIGKILL'), 20 * round);
    await once(writer.process, 'close');
    assert.deepEqual((await reader.stop()).contradictions, []);
    assertSound(catalog.db);
    const added = changesOf(catalog).filter(change => change.kind === 'added').length;
    const rows = catalog.db.prepare<[], { count: number }>('SELECT count(*) AS count FROM files').get();
    assert.equal(rows?.count, added);
    putFiles(catalog, source, `after ${round}`, ['x']);
  }
});

test('a write that throws in one process does not disturb the other', async t => {
  const catalog = temporaryCatalog(t);
  for (const name of ['one', 'two']) putSource(catalog, name);
  const other = startProgram(t, WRITING, [catalog.file, 'one', '60']);
  await other.line();
  for (let at = 0; at < 20; at++) {
    assert.throws(() =>
      catalog.write(writer => {
        const source = catalog.sources.get('two');
        const { id } = writer.putFolder(source, `folder ${at}`, 0, 0o040755);
        writer.putFolder(source, `folder ${id}`, 0, 0o040755);
        throw new Error('undone');
      }),
    );
  }
  await other.output;
  assertSound(catalog.db);
  assert.ok([...readTree(catalog.db).keys()].every(path => path.startsWith('one') || path === 'two'));
});

test('a catalog opened for reading sees what is written later', t => {
  const catalog = temporaryCatalog(t);
  const reading = openCatalog(catalog.file);
  t.after(() => reading.close());
  assert.deepEqual(pathsOf(reading.db), []);
  putFiles(catalog, putSource(catalog), 'a', ['b']);
  assert.deepEqual(pathsOf(reading.db), ['docs/', 'docs/a/', 'docs/a/b']);
});
