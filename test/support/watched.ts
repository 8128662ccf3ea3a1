/** A source that is watched while a test changes it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Batch } from '../../src/indexing/keeper.js';
import { keepLive } from '../../src/indexing/live.js';

import type { Scanned } from './scanned.js';

export interface Watching {
  batches: Batch[];
  problems: string[];
  stop(): Promise<void>;
}

const PATIENCE_MS = 30_000;

/** Resolves when the source was scanned and every folder of it is watched. */
export async function watching(place: Scanned, exclude: readonly string[] = []): Promise<Watching> {
  const batches: Batch[] = [];
  const problems: string[] = [];
  const keeper = keepLive(place.catalog, {
    names: [place.source.name],
    exclude,
    onBatch: batch => void batches.push(batch),
    onProblem: (_, message) => void problems.push(message),
  });
  const started = () => batches.some(({ extent }) => extent === 'all') || problems.length > 0;
  await until(started, 'the source is scanned');
  return { batches, problems, stop: () => keeper.stop() };
}

export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !isSo(); await wait(5)) {
    assert.ok(performance.now() < end, `${what}: this did not come`);
  }
}

let marks = 0;

/**
 * Resolves when everything that was done so far has been brought. A file that is written now is brought with it or after it;
 * folders that were full of changes have their turn at the latest half a second later.
 */
export async function quiet(place: Scanned, problems: readonly string[] = []): Promise<void> {
  for (let round = 0; round < 2; round++) {
    marks++;
    const name = `mark ${marks}`;
    writeFileSync(join(place.root, name), '');
    await until(() => {
      assert.deepEqual(problems, []);
      return place.catalog.files.find(place.source.id, name) !== undefined;
    }, name);
    await wait(600);
  }
}
