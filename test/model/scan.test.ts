/**
 * Random changes to a real folder, scanned in between, against a model that walks the disk: after each scan the tree is the
 * disk, and each file that is still there, wherever it was moved, has the id it had.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemErrorCode } from '../../src/errors.js';
import { openCatalog } from '../support/catalogs.js';
import { runs } from '../support/random.js';
import { assertTreeIsDisk, openScanned, type Scanned } from '../support/scanned.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

/** Few names, so that paths meet: as files and as folders. */
const path = fc
  .array(fc.constantFrom('a', 'b', 'c', 'é', '😀', '\ufb00'), { minLength: 1, maxLength: 3 })
  .map(names => names.join('/'));

/** One of the files and folders that there are at that moment, or any path. */
const somewhere = fc.oneof({ weight: 3, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: path });

const step = fc.record({
  kind: fc.constantFrom(
    ...(['write', 'write', 'write', 'move', 'move', 'move', 'move', 'exchange', 'exchange'] as const),
    ...(['make folder', 'remove', 'append', 'touch', 'close', 'link', 'hard link'] as const),
  ),
  at: somewhere,
  to: somewhere,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Each list is what happens between two scans; the first one begins with some files. */
const history = fc
  .tuple(
    fc.array(path, { minLength: 4, maxLength: 12 }),
    fc.array(fc.array(step, { maxLength: 10 }), { maxLength: 6 }),
  )
  .map(([paths, steps]) => [paths.map((at): Step => ({ kind: 'write', at, to: 0 })), ...steps]);

/** What a random step may meet: the path is not there, or is something else. */
const MISMATCHES = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'EINVAL', 'ELOOP', 'EPERM'];

let clock = 1_000;

function take(root: string, { kind, at, to }: Step): void {
  try {
    actions[kind](join(root, pathOf(root, at)), join(root, pathOf(root, to)));
  } catch (error) {
    if (!MISMATCHES.includes(systemErrorCode(error) ?? '')) throw error;
  }
}

function pathOf(root: string, where: number | string): string {
  if (typeof where === 'string') return where;
  const there = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return there[where % there.length] ?? 'a';
}

const actions: Record<Step['kind'], (at: string, to: string) => void> = {
  write(at) {
    mkdirSync(dirname(at), { recursive: true });
    clock += 1;
    writeFileSync(at, 'x'.repeat(clock % 5));
  },
  append(at) {
    lstatSync(at);
    appendFileSync(at, 'more');
  },
  touch(at) {
    // A time that no other file has: a new file with the number of an old one is not taken for it.
    clock += 1;
    utimesSync(at, clock, clock);
  },
  close: at => chmodSync(at, 0o700),
  'make folder': at => mkdirSync(at, { recursive: true }),
  remove: at => rmSync(at, { recursive: true, force: true }),
  move(at, to) {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(at, to);
  },
  exchange(at, to) {
    const aside = join(dirname(at), 'aside');
    renameSync(at, aside);
    if (existsSync(to)) renameSync(to, at);
    renameSync(aside, to);
  },
  link: (at, to) => symlinkSync(at, to),
  'hard link': (at, to) => linkSync(at, to),
};

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
