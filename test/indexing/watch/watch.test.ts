/** A watched folder, as programs change it: what the catalog has when it is quiet, and what stays of each file. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SourceOptions } from '../../../src/catalog/sources.js';
import { changesOf, labelsOf } from '../../support/catalogs.js';
import { isRoot } from '../../support/processes.js';
import { assertTreeIsDisk, openScanned, type Scanned, scannedFolder } from '../../support/scanned.js';
import { temporaryFolder, writeFiles } from '../../support/temporary-folder.js';
import { assertSound } from '../../support/tree-contents.js';
import { quiet, until, type Watching, watching } from '../../support/watched.js';

interface Watched extends Scanned, Watching {
  at(path: string): string;
}

/** A source with these files, scanned and watched. */
async function watchedFolder(
  t: TestContext,
  files: readonly string[],
  options: Partial<SourceOptions> = {},
): Promise<Watched> {
  const place = scannedFolder(t, options);
  writeFiles(place.root, ...files);
  await place.scan();
  const watcher = await watching(place);
  t.after(() => watcher.stop());
  return { ...place, ...watcher, at: path => join(place.root, path) };
}

async function assertQuiet(place: Scanned & Watching): Promise<void> {
  await quiet(place, place.problems);
  assertTreeIsDisk(place);
  assertSound(place.catalog.db);
  assert.deepEqual(place.problems, []);
}

/** Asked while the watcher is at work, when the tree may show a name that is about to change. */
function has({ catalog, source }: Scanned, path: string): boolean {
  return catalog.files.find(source.id, path) !== undefined;
}

function kindsSince(place: Scanned, seq: number): string[] {
  return changesOf(place.catalog, seq).map(({ kind }) => kind);
}

test('a deep tree that is moved is one change for each file, and ids and labels stay', async t => {
  const files = Array.from({ length: 60 }, (_, nth) => `from/${nth % 3}/${nth % 5}/file ${nth}`);
  const place = await watchedFolder(t, [...files, 'to/other']);
  const before = place.ids();
  const id = place.id('from/0/0/file 0');
  place.catalog.write(writer => writer.describeFile({ id }, { add: ['kept'] }));
  const seq = place.catalog.log.lastSeq();
  renameSync(place.at('from'), place.at('to/here'));
  await until(() => has(place, 'to/here/0/0/file 0'), 'the move');
  assert.deepEqual(kindsSince(place, seq), Array(60).fill('renamed'));
  for (const path of files) assert.equal(place.id(path.replace('from', 'to/here')), before.get(path));
  assert.deepEqual(labelsOf(place.catalog, id), ['kept']);
  appendFileSync(place.at('to/here/1/1/file 1'), 'watched at its new place too');
  await assertQuiet(place);
});

test('one file moved between folders again and again keeps its id', async t => {
  const place = await watchedFolder(t, ['a/one', 'b/other', 'c/d/another']);
  const id = place.id('a/one');
  place.catalog.write(writer => writer.describeFile({ id }, { add: ['kept'] }));
  const folders = ['a', 'b', 'c/d'];
  for (let nth = 0; nth < 200; nth++) {
    renameSync(place.at(`${folders[nth % 3]}/one`), place.at(`${folders[(nth + 1) % 3]}/one`));
    if (nth % 7 === 0) await new Promise(resolve => setTimeout(resolve, nth % 80));
  }
  await assertQuiet(place);
  assert.equal(place.id('c/d/one'), id);
  assert.deepEqual(labelsOf(place.catalog, id), ['kept']);
});

test('what an editor saves by writing another file and renaming it is one modification', async t => {
  const place = await watchedFolder(t, ['text', 'other']);
  const id = place.id('text');
  const seq = place.catalog.log.lastSeq();
  writeFileSync(place.at('.text.swp'), 'new contents');
  renameSync(place.at('text'), place.at('text~'));
  renameSync(place.at('.text.swp'), place.at('text'));
  unlinkSync(place.at('text~'));
  await until(() => place.catalog.log.lastSeq() > seq, 'the save');
  assert.deepEqual(kindsSince(place, seq), ['modified']);
  assert.equal(place.id('text'), id);
  await assertQuiet(place);
});

test('a file that is written to all the time is seen to grow, and others are not kept waiting', async t => {
  const place = await watchedFolder(t, ['logs/busy', 'calm/file']);
  const file = openSync(place.at('logs/busy'), 'a');
  const sizes = new Set<number>();
  const writer = setInterval(() => writeSync(file, 'a line\n'), 2);
  try {
    const id = place.id('logs/busy');
    const size = () => place.catalog.files.get(id)?.size ?? 0;
    await until(() => sizes.add(size()).size > 3, 'its size follows');
    writeFiles(place.root, 'calm/new');
    await until(() => has(place, 'calm/new'), 'a file of another folder');
  } finally {
    clearInterval(writer);
    closeSync(file);
  }
  await assertQuiet(place);
});

test('filters hold as in a scan, also when .facetignore changes', async t => {
  const place = await watchedFolder(t, ['keep/a', 'build/o', 'x/y/late'], { exclude: ['build', '*.tmp'] });
  writeFiles(place.root, 'keep/b.tmp', 'build/p', 'new/build/q', 'new/r');
  await until(() => has(place, 'new/r'), 'a new folder');
  assert.deepEqual([...place.ids().keys()].sort(), ['keep/a', 'new/r', 'x/y/late']);
  writeFileSync(place.at('x/.facetignore'), 'y\n');
  await until(() => !has(place, 'x/y/late'), 'an ignored folder');
  writeFiles(place.root, 'x/y/unseen');
  unlinkSync(place.at('x/.facetignore'));
  await until(() => has(place, 'x/y/unseen') && has(place, 'x/y/late'), 'its return');
  writeFiles(place.root, 'x/y/seen');
  await until(() => has(place, 'x/y/seen'), 'that it is watched again');
});

test('names that are not UTF-8 are seen to come, change and go', async t => {
  const place = await watchedFolder(t, ['plain']);
  const bytes = (name: string) => Buffer.concat([Buffer.from(`${place.root}/`), Buffer.from(name, 'latin1')]);
  mkdirSync(bytes('f\xfclder'));
  writeFileSync(bytes('f\xfclder/\xe4'), 'x');
  await until(() => place.ids().size === 2, 'the file');
  appendFileSync(bytes('f\xfclder/\xe4'), 'y');
  await assertQuiet(place);
  rmSync(bytes('f\xfclder'), { recursive: true });
  await assertQuiet(place);
});

test('a file written to by one of its names has its size under the other too', async t => {
  const place = await watchedFolder(t, ['a/one', 'b/other']);
  linkSync(place.at('a/one'), place.at('b/two'));
  await assertQuiet(place);
  appendFileSync(place.at('b/two'), 'more');
  await assertQuiet(place);
});

test('with links followed, what they lead to is followed as well', async t => {
  const place = await watchedFolder(t, ['real/a', 'links/b'], { follow: true });
  symlinkSync('../real', place.at('links/folder'));
  symlinkSync('../real/a', place.at('links/file'));
  await until(() => has(place, 'links/folder/a'), 'the link');
  appendFileSync(place.at('real/a'), 'more');
  writeFiles(place.root, 'real/new');
  await until(() => has(place, 'links/folder/new'), 'a new file behind the link');
  await quiet(place);
  const sizes = ['real/a', 'links/file', 'links/folder/a'].map(
    path => place.catalog.files.get(place.id(path))?.size,
  );
  assert.equal(new Set(sizes).size, 1, String(sizes));
  rmSync(place.at('real'), { recursive: true });
  await until(() => !has(place, 'links/folder/a'), 'that it is gone');
});

test('a folder replaced by another of its name is listed as what it is', async t => {
  const place = await watchedFolder(t, ['x/a', 'x/below/b']);
  for (let nth = 0; nth < 20; nth++) {
    rmSync(place.at('x'), { recursive: true });
    writeFiles(place.root, `x/${nth}`, `x/below/${nth}`);
  }
  await assertQuiet(place);
  writeFiles(place.root, 'x/below/last');
  await assertQuiet(place);
});

test('permissions of folders and files are followed', async t => {
  const place = await watchedFolder(t, ['x/a', 'x/y/b']);
  chmodSync(place.at('x'), 0o700);
  chmodSync(place.at('x/y/b'), 0o600);
  await assertQuiet(place);
});

test('most of a source can be deleted while it is watched: each deletion is told', async t => {
  const files = Array.from({ length: 150 }, (_, nth) => `f/${nth % 7}/${nth}`);
  const place = await watchedFolder(t, files);
  rmSync(place.at('f'), { recursive: true });
  await until(() => place.ids().size === 0, 'the deletions');
  assert.deepEqual(place.problems, []);
});

test('a catalog inside the source that it is about comes to rest', async t => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, 'home'));
  const { openCatalog } = await import('../../support/catalogs.js');
  const catalog = openCatalog(join(root, 'home/catalog.db'));
  t.after(() => catalog.close());
  const place = openScanned(catalog, root);
  const watcher = await watching(place);
  t.after(() => watcher.stop());
  writeFiles(root, 'home/file');
  await quiet(place);
  const batches = watcher.batches.length;
  await new Promise(resolve => setTimeout(resolve, 1_500));
  assert.equal(watcher.batches.length, batches);
});

test('a disk that is unmounted takes no files with it; mounted again, it is watched again', async t => {
  assert.ok(isRoot, 'only root can mount a disk');
  const place = scannedFolder(t);
  const disk = (...args: string[]) => execFileSync('mount', [...args, place.root]);
  const other = temporaryFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', 'facet-test', other]);
  const unmountAndReturn = async () => {
    disk('--bind', other);
    writeFiles(place.root, 'a', 'x/b');
    const watcher = await watching(place);
    t.after(() => watcher.stop());
    execFileSync('umount', ['-l', place.root]);
    writeFileSync(join(place.root, 'left behind'), '');
    await until(() => watcher.problems.length > 0, 'that it is gone');
    assert.match(watcher.problems[0] ?? '', /unmounted/);
    assert.match(place.catalog.sources.get('docs').state.unavailable ?? '', /unmounted/);
    assert.deepEqual([...place.ids().keys()].sort(), ['a', 'x/b']);
    const before = place.ids();
    writeFiles(other, 'meanwhile');
    disk('--bind', other);
    await until(() => has(place, 'meanwhile'), 'its return');
    assert.equal(place.id('x/b'), before.get('x/b'));
    writeFiles(place.root, 'x/after');
    await until(() => has(place, 'x/after'), 'that it is watched again');
    assert.equal(place.catalog.sources.get('docs').state.unavailable, undefined);
  };
  try {
    await unmountAndReturn();
  } finally {
    execFileSync('umount', ['-l', place.root, other]);
  }
});

test('a disk inside a watched source that is unmounted, with its folder removed, takes no files with it', async t => {
  const place = await watchedFolder(t, ['a', 'x/b']);
  const disk = place.at('x/disk');
  const mount = () => {
    mkdirSync(disk);
    execFileSync('mount', ['--bind', other, disk]);
  };
  const other = temporaryFolder(t);
  writeFiles(other, 'on it', 'below/on it');
  mount();
  try {
    await until(() => has(place, 'x/disk/below/on it'), 'the disk');
    const before = place.ids();
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
    await quiet(place, place.problems);
    for (const path of ['x/disk/on it', 'x/disk/below/on it']) assert.equal(place.id(path), before.get(path));
    unlinkSync(join(other, 'on it'));
    mount();
    await until(() => !has(place, 'x/disk/on it'), 'its return');
    await assertQuiet(place);
    assert.equal(place.id('x/disk/below/on it'), before.get('x/disk/below/on it'));
  } finally {
    execFileSync('umount', ['-l', disk]);
  }
});

test('a root that is moved away and back keeps its files', async t => {
  const place = await watchedFolder(t, ['a', 'x/b']);
  const before = place.ids();
  renameSync(place.root, `${place.root}-away`);
  await until(() => place.problems.length > 0, 'that it is gone');
  assert.deepEqual(place.ids(), before);
  renameSync(`${place.root}-away`, place.root);
  writeFiles(place.root, 'x/after');
  await until(() => has(place, 'x/after'), 'its return');
  assert.equal(place.id('x/b'), before.get('x/b'));
});

test('a root that is moved away and back in a moment is watched on', async t => {
  const place = await watchedFolder(t, ['a', 'x/b']);
  renameSync(place.root, `${place.root}-away`);
  renameSync(`${place.root}-away`, place.root);
  writeFiles(place.root, 'x/after');
  await until(() => has(place, 'x/after'), 'what came after');
  await assertQuiet(place);
});

test('a root that another folder takes the place of in a moment is watched there', async t => {
  const place = scannedFolder(t);
  const versions = temporaryFolder(t);
  writeFiles(versions, '1/a', '1/b', '2/a', '2/b', '2/c');
  const lead = (to: string) => {
    symlinkSync(join(versions, to), `${place.root}-next`);
    renameSync(`${place.root}-next`, place.root);
  };
  rmSync(place.root, { recursive: true });
  lead('1');
  const watcher = await watching(place);
  t.after(() => watcher.stop());
  const id = place.id('a');
  lead('2');
  writeFiles(join(versions, '1'), 'seen');
  await until(() => has(place, 'c'), 'what is in the other folder');
  assert.equal(place.id('a'), id);
  writeFiles(place.root, 'after');
  await until(() => has(place, 'after'), 'that it is watched');
  assert.equal(place.catalog.sources.get('docs').state.unavailable, undefined);
});

test('more events than the kernel keeps end in a scan', async t => {
  const place = await watchedFolder(t, ['a', 'b', 'x/c']);
  const scans = () => place.batches.filter(({ extent }) => extent === 'all').length;
  // While the watcher scans for a moment, or waits, it reads no events; two files in turn, so that no two are the same.
  for (let nth = 0; nth < 60_000; nth++) chmodSync(place.at(nth % 2 === 0 ? 'a' : 'b'), 0o600 + (nth % 8));
  writeFiles(place.root, 'x/d');
  await assertQuiet(place);
  assert.ok(place.ids().has('x/d'));
  assert.ok(scans() >= 1);
});

test('a scan and a second watcher get their turns', async t => {
  const place = await watchedFolder(t, ['a']);
  const second = await watching(place);
  t.after(() => second.stop());
  for (let nth = 0; nth < 5; nth++) {
    writeFiles(place.root, `folder ${nth % 3}/${nth}`);
    await place.scan();
  }
  await assertQuiet(place);
  assert.deepEqual(second.problems, []);
});
