/** Locks between processes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { takeLock } from '../../src/catalog/lock.js';
import { FacetError } from '../../src/errors.js';
import { startProgram } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const HOLDING = new URL('./lock-process.js', import.meta.url);

function take(file: string) {
  return takeLock(file, 'another process has it', 'wait for it', 0);
}

function isInUse(error: unknown): boolean {
  assert.ok(error instanceof FacetError, String(error));
  assert.deepEqual(
    [error.code, error.message, error.hint],
    ['in-use', 'another process has it', 'wait for it'],
  );
  return true;
}

test('a lock is taken once, and can be taken again when it was released', t => {
  const file = join(temporaryFolder(t), 'scan.lock');
  const lock = take(file);
  assert.throws(() => take(file), isInUse);
  lock.release();
  take(file).release();
});

test('a second attempt does not release the lock of the first', t => {
  const file = join(temporaryFolder(t), 'scan.lock');
  const lock = take(file);
  for (let attempt = 0; attempt < 3; attempt++) assert.throws(() => take(file), isInUse);
  lock.release();
});

test('locks of different files do not exclude each other', t => {
  const folder = temporaryFolder(t);
  const locks = ['a', 'b'].map(name => take(join(folder, name)));
  for (const lock of locks) lock.release();
});

test('what another process holds is in use at once, and free when that process is killed', async t => {
  const file = join(temporaryFolder(t), 'scan.lock');
  for (let round = 0; round < 2; round++) {
    const holder = startProgram(t, HOLDING, [file]);
    assert.equal(await holder.line(), 'taken');
    assert.throws(() => take(file), isInUse);
    holder.process.kill('SIGKILL');
    await once(holder.process, 'close');
    take(file).release();
  }
});

test('a lock whose file is removed by whoever releases it can be taken', async t => {
  const file = join(temporaryFolder(t), 'scan.lock');
  const lock = take(file);
  const waiting = startProgram(t, HOLDING, [file, '30000']);
  await wait(300);
  rmSync(file);
  lock.release();
  assert.equal(await waiting.line(), 'taken');
  assert.throws(() => take(file), isInUse);
});

test('a lock in a folder without permission is denied', async t => {
  const folder = join(temporaryFolder(t), 'closed');
  mkdirSync(folder, 0o500);
  const program = startProgram(t, HOLDING, [join(folder, 'scan.lock')], { unprivileged: true });
  assert.equal(await program.line(), 'denied');
  program.process.stdin?.end();
  await program.output;
});
