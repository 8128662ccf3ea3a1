/** Processes that are killed in the middle of using a cache: nothing is left behind, and every byte that is served is right. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Cache } from '../../src/cache/cache.js';
import { assertClean, blobFilesIn, bytesOnDisk, openCache, put, readRange } from '../support/caches.js';
import { type Program, startProgram } from '../support/processes.js';
import { seededPicks } from '../support/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { assertRight, someFiles, tightLimits } from './random-use.js';

const USING = new URL('./crash-process.js', import.meta.url);
const ROUNDS = 50;
const LONGEST_MS = 60;

async function kill({ process }: Program): Promise<void> {
  assert.equal(process.exitCode, null, 'it ended by itself');
  const ended = once(process, 'exit');
  process.kill('SIGKILL');
  const [status, signal] = await ended;
  assert.deepEqual([status, signal], [null, 'SIGKILL'], 'it ended by itself');
}

test('a hundred processes that are killed, two at a time, leave a clean cache', async t => {
  const folder = temporaryFolder(t);
  const pick = seededPicks(Number(process.env.FACET_TEST_SEED ?? 1));
  let served = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const programs = [0, 1].map(at => startProgram(t, USING, [folder, String(2 * round + at)]));
    for (const program of programs) assert.equal(await program.line(), 'started');
    for (const program of programs) {
      await setTimeout(pick(LONGEST_MS));
      assert.ok(bytesOnDisk(folder) <= tightLimits.maxSize);
      await kill(program);
    }
    const cache = openCache(folder, tightLimits);
    assertClean(cache);
    served += assertRight(cache);
    assert.ok(cache.status().bytes <= tightLimits.maxSize);
    assert.ok(bytesOnDisk(folder) <= cache.status().bytes, 'every byte on the disk is counted');
    cache.close();
  }
  assert.ok(served > 2 * ROUNDS, `${served} blocks were served`);
});

test('two processes that write the same contents at once do each other no harm', async t => {
  const folder = temporaryFolder(t);
  const programs = [1, 2].map(seed => startProgram(t, USING, [folder, String(seed)]));
  for (const program of programs) assert.equal(await program.line(), 'started');
  const cache = openCache(folder, tightLimits);
  const end = Date.now() + 2_000;
  while (Date.now() < end) {
    assertRightWhileUsed(cache);
    assert.ok(cache.status().bytes <= tightLimits.maxSize);
    await setTimeout(1);
  }
  for (const program of programs) await kill(program);
  cache.close();
  const again = openCache(folder, tightLimits);
  assertClean(again);
  again.clear();
  for (const { key } of someFiles()) again.unpin([key]);
  again.clear();
  assert.deepEqual(blobFilesIn(folder), []);
  await put(again, 'k', 10);
});

/** Others may drop nothing that is open here: what is there stays there. */
function assertRightWhileUsed(cache: Cache): void {
  for (const { key, size, bytes } of someFiles()) {
    const handle = cache.lookup(key, size);
    const found = handle?.missing(0, size).length === 0 ? readRange(handle) : undefined;
    if (handle?.missing(0, size).length === 0) assert.ok(found?.equals(bytes), key);
    handle?.close();
  }
}
