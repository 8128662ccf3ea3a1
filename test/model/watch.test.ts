/**
 * Random changes to a real folder while it is watched, slower and faster than they can be seen: once it is quiet, the tree
 * is the disk, and the catalog has what a fresh scan finds.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { openCatalog } from '../support/catalogs.js';
import { runs } from '../support/random.js';
import { history, take } from '../support/random-changes.js';
import { assertTreeIsDisk, openScanned } from '../support/scanned.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';
import { quiet, watching } from '../support/watched.js';

/** How long the writer rests after a step: it meets the watcher at every moment of its work. */
const rest = fc.constantFrom(0, 0, 0, 1, 20, 60, 120);

for (const follow of [false, true]) {
  test(`when it is quiet, the tree is the disk${follow ? ', with links followed' : ''}`, async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.infiniteStream(rest), async (steps, rests) => {
        const folders = [makeFolder(), makeFolder(), makeFolder()];
        const [root = '', ...homes] = folders;
        const [catalog, fresh] = homes.map(home => openCatalog(join(home, 'catalog.db')));
        assert.ok(catalog && fresh);
        const place = openScanned(catalog, root, { watch: true, follow });
        const watcher = await watching(place);
        try {
          for (const each of steps.flat()) {
            take(root, each);
            const { value } = rests.next();
            if (value) await wait(value);
          }
          await quiet(place, watcher.problems);
          if (!follow) assertTreeIsDisk(place);
          assertSound(catalog.db);
          await openScanned(fresh, root, { follow }).scan();
          assert.deepEqual(pathsOf(catalog.db), pathsOf(fresh.db));
          assert.deepEqual(watcher.problems, []);
        } finally {
          await watcher.stop();
          for (const each of [catalog, fresh]) each.close();
          for (const folder of folders) removeFolder(folder);
        }
      }),
      runs(15),
    );
  });
}
