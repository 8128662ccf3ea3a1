/**
 * Power cuts at random moments of using a cache: what was not flushed is lost or not, page by page. No block map ever speaks of
 * bytes that are not there, every byte that is served is right, and a repair leaves nothing to be found.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertClean, openCache, problemsOf } from '../support/caches.js';
import { seededPicks } from '../support/random.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Disk } from './power-cuts.js';
import { assertRight, tightLimits, useOnce } from './random-use.js';

const CACHES = 4;
const USES = 40;
/** Of the calls that write, one in so many is followed by a power cut. */
const RARITY = 8;

test('after a power cut every byte that is served is right', async t => {
  const folder = temporaryFolder(t);
  const pick = seededPicks(Number(process.env.FACET_TEST_SEED ?? 1));
  let [cuts, served] = [0, 0];
  let from = '';
  let isWatching = false;
  const disk = new Disk(t, () => {
    if (!isWatching || pick(RARITY) > 0) return;
    isWatching = false;
    served += assertSurvives(disk, from, join(folder, `cut ${cuts++}`), pick);
    isWatching = true;
  });
  for (let at = 0; at < CACHES; at++) {
    from = join(folder, `cache ${at}`);
    mkdirSync(from);
    const cache = openCache(from, tightLimits);
    isWatching = true;
    for (let use = 0; use < USES; use++) await useOnce(cache, pick);
    isWatching = false;
    cache.close();
  }
  assert.deepEqual([...disk.unseen], []);
  assert.ok(cuts > 20 && served > cuts, `${cuts} power cuts, ${served} blocks served after them`);
});

/** Returns how many blocks were served. */
function assertSurvives(disk: Disk, from: string, to: string, pick: (below: number) => number): number {
  disk.cut(from, to, pick);
  const cache = openCache(to, tightLimits);
  const damaged = problemsOf(cache).filter(({ kind }) => kind === 'damaged block' || kind === 'wrong count');
  assert.deepEqual(damaged, []);
  const served = assertRight(cache);
  problemsOf(cache, true);
  assertClean(cache);
  assert.equal(assertRight(cache), served);
  cache.close();
  removeFolder(to);
  return served;
}
