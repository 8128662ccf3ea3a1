/**
 * Random changes to a real folder, scanned in between, against a model that walks the disk: after each scan the tree is the
 * disk, and each file that is still there, wherever it was moved, has the id it had.
 */
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openCatalog } from '../support/catalogs.js';
import { runs } from '../support/random.js';
import { history, take } from '../support/random-changes.js';
import { assertTreeIsDisk, openScanned, type Scanned } from '../support/scanned.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

interface Met {
  id: number;
  ino: number;
  version: string;
}

/** Every file that the catalog has, as it is on disk. */
function meet({ root, ids }: Scanned): Map<string, Met> {
  const met = new Map<string, Met>();
  for (const [at, id] of ids()) {
    const { ino, size, mtimeMs, mode } = lstatSync(join(root, at));
    met.set(at, { id, ino, version: `${ino} ${size} ${mtimeMs} ${mode & 0o170000}` });
  }
  return met;
}

/** Files with one name each: which of two names of a file was moved, nobody can tell. */
function single(files: Map<string, Met>): Map<string, Met> {
  const all = [...files];
  return new Map(
    all.filter(([at, { ino }]) => !all.some(([there, other]) => other.ino === ino && there !== at)),
  );
}

function assertIdsKept(before: Map<string, Met>, after: Map<string, Met>): void {
  const [known, now] = [single(before), single(after)];
  for (const [at, file] of now) {
    const [from, same] = [...known].find(([, each]) => each.version === file.version) ?? [];
    if (same) assert.equal(file.id, same.id, `${at} was ${from}`);
    const there = known.get(at);
    if (there?.ino === file.ino) assert.equal(file.id, there.id, `${at} was there before`);
  }
}

test('after every scan the tree is the disk, and files that only moved have their ids', async () => {
  await fc.assert(
    fc.asyncProperty(history, async steps => {
      const folders = [makeFolder(), makeFolder(), makeFolder()];
      const [root = '', ...homes] = folders;
      const [catalog, fresh] = homes.map(home => openCatalog(join(home, 'catalog.db')));
      assert.ok(catalog && fresh);
      try {
        const place = openScanned(catalog, root);
        let before = new Map<string, Met>();
        for (const between of steps) {
          for (const each of between) take(root, each);
          await place.scan({ allowShrink: true });
          assertTreeIsDisk(place);
          assertSound(catalog.db);
          const after = meet(place);
          assertIdsKept(before, after);
          before = after;
        }
        await openScanned(fresh, root).scan();
        assert.deepEqual(pathsOf(catalog.db), pathsOf(fresh.db));
      } finally {
        for (const each of [catalog, fresh]) each.close();
        for (const folder of folders) removeFolder(folder);
      }
    }),
    runs(20),
  );
});
