/** Several files that want one name, in arrangements made for the purpose. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { CatalogFile } from '../../src/catalog/projector.js';
import type { Arrangement, Placement } from '../../src/tree/arrangement.js';
import { Tree } from '../../src/tree/tree.js';
import {
  attributes,
  FOLDER_MODE,
  openCatalog,
  putFiles,
  putSource,
  temporaryCatalog,
} from '../support/catalogs.js';
import { assertSound, readTree } from '../support/tree-contents.js';

/** Places files only; directories are there as long as something is in them. */
function placing(placements: (file: CatalogFile) => Placement[]): Arrangement {
  return { declared: [], showsFolders: false, placements, directory: () => undefined };
}

/** Every file in one directory, under its own name. */
const flat = placing(file => [{ directory: 'all', name: file.name, newest: false }]);

/** A file's folder is its directory, its name's part before a `~` its name: `x/a.txt~1` → `x/a.txt`. */
const byFolder = placing(file => [
  { directory: file.folderPath, name: file.name.replace(/~.*/, ''), newest: false },
]);

/** The tree as path → id of the file there. */
function filesIn({ db }: Catalog): Record<string, number> {
  assertSound(db);
  const files = [...readTree(db)].filter(([, node]) => node.type !== 4);
  return Object.fromEntries(files.map(([path, node]) => [path, node.ino]));
}

/** A catalog with the same file in several folders of `docs`, in the order of their ids. */
function withSame(context: TestContext, name: string, folders: readonly string[], arrangement = flat) {
  const catalog = temporaryCatalog(context, arrangement);
  const source = putSource(catalog);
  const ids = folders.flatMap(folder => putFiles(catalog, source, folder, [name]));
  return { catalog, source, ids };
}

test('the lowest id keeps the name, the others are named after their source', t => {
  const { catalog, ids } = withSame(t, 'a.txt', ['x', 'y', 'z']);
  const [first, second, third] = ids;
  assert.deepEqual(filesIn(catalog), {
    'all/a.txt': first,
    'all/a (docs).txt': second,
    'all/a (docs 2).txt': third,
  });
});

test('each displaced file is named after its own source', t => {
  const catalog = temporaryCatalog(t, flat);
  const [one = 0, two = 0, three = 0] = ['one', 'two', 'three'].flatMap(name =>
    putFiles(catalog, putSource(catalog, name), '', ['a.txt']),
  );
  assert.deepEqual(filesIn(catalog), {
    'all/a.txt': one,
    'all/a (two).txt': two,
    'all/a (three).txt': three,
  });
});

test('all of them can be looked up, and know their paths', t => {
  const { catalog, ids } = withSame(t, 'a', ['x', 'y']);
  const tree = new Tree(catalog.db);
  assert.deepEqual(
    ids.map(id => tree.pathsOf(id)),
    [['/all/a'], ['/all/a (docs)']],
  );
  assert.equal(tree.resolve('/all/a (docs)')?.ino, ids[1]);
});

test('when the file that has the name goes, the next one has it', t => {
  const { catalog, ids } = withSame(t, 'a', ['x', 'y', 'z']);
  const [first = 0, second, third] = ids;
  catalog.write(writer => writer.deleteFile(first));
  assert.deepEqual(filesIn(catalog), { 'all/a': second, 'all/a (docs)': third });
});

test('when it comes back, it has its name again', t => {
  const { catalog, source, ids } = withSame(t, 'a', ['x', 'y']);
  const [first = 0, second] = ids;
  catalog.write(writer => writer.deleteFile(first));
  putFiles(catalog, source, 'x', ['a']);
  assert.deepEqual(filesIn(catalog), { 'all/a': first, 'all/a (docs)': second });
});

test('when all but one are gone, that one has the name', t => {
  const { catalog, ids } = withSame(t, 'a', ['x', 'y', 'z']);
  const [first = 0, second = 0, third] = ids;
  catalog.write(writer => {
    writer.deleteFile(second);
    writer.deleteFile(first);
  });
  assert.deepEqual(filesIn(catalog), { 'all/a': third });
});

test('a directory has its name before any file', t => {
  const catalog = temporaryCatalog(t, byFolder);
  const source = putSource(catalog);
  const [file = 0] = putFiles(catalog, source, '', ['a.d']);
  const [below = 0] = putFiles(catalog, source, 'a.d', ['b']);
  assert.deepEqual(filesIn(catalog), { 'a (docs).d': file, 'a.d/b': below });
  catalog.write(writer => writer.deleteFile(below));
  assert.deepEqual(filesIn(catalog), { 'a.d': file });
  putFiles(catalog, source, 'a.d', ['b']);
  const [late = 0] = putFiles(catalog, source, '', ['a.d~2']);
  assert.deepEqual(filesIn(catalog), { 'a (docs).d': file, 'a (docs 2).d': late, 'a.d/b': below });
});

test('a directory takes its name from a file that had been displaced to it', t => {
  const catalog = temporaryCatalog(t, byFolder);
  const source = putSource(catalog);
  const [first = 0, second = 0] = putFiles(catalog, source, '', ['a~1', 'a~2']);
  const [below = 0] = putFiles(catalog, source, 'a (docs)', ['b']);
  assert.deepEqual(filesIn(catalog), { a: first, 'a (docs 2)': second, 'a (docs)/b': below });
  catalog.write(writer => writer.deleteFile(below));
  assert.deepEqual(filesIn(catalog), { a: first, 'a (docs)': second });
});

test('a file that is really called so has its name before one that is displaced to it', t => {
  for (const names of [
    ['a', 'a~2', 'a (docs)'],
    ['a (docs)', 'a', 'a~2'],
    ['a', 'a (docs)', 'a~2'],
  ]) {
    const catalog = temporaryCatalog(t, byFolder);
    const source = putSource(catalog);
    const ids = names.flatMap(name => putFiles(catalog, source, '', [name]));
    const id = (name: string) => ids[names.indexOf(name)];
    assert.deepEqual(filesIn(catalog), { a: id('a'), 'a (docs)': id('a (docs)'), 'a (docs 2)': id('a~2') });
    catalog.write(writer => writer.deleteFile(id('a (docs)') ?? 0));
    assert.deepEqual(filesIn(catalog), { a: id('a'), 'a (docs)': id('a~2') });
  }
});

test('who is called what does not depend on the order, nor on how many transactions', t => {
  const names = ['a~1', 'a~2', 'a (docs)~1', 'a (docs)~2', 'a (docs 2)', 'b', 'b~2'];
  const trees: Record<string, number>[] = [];
  for (const pieces of [names.map(name => [name]), [names]]) {
    const catalog = temporaryCatalog(t, byFolder);
    const source = putSource(catalog);
    for (const piece of pieces) putFiles(catalog, source, '', piece);
    // Deleting and restoring in other orders leads through other intermediate states.
    const ids = Object.values(filesIn(catalog));
    for (const id of ids.toReversed()) catalog.write(writer => writer.deleteFile(id));
    for (const name of names.toReversed()) putFiles(catalog, source, '', [name]);
    const byName = new Map(ids.map(id => [id, catalog.files.get(id)?.name ?? '']));
    const tree = Object.entries(filesIn(catalog)).map(([path, id]) => [
      path,
      names.indexOf(byName.get(id) ?? ''),
    ]);
    trees.push(Object.fromEntries(tree));
  }
  assert.deepEqual(trees[0], trees[1]);
  assert.deepEqual(trees[0], {
    a: 0,
    'a (docs 3)': 1,
    'a (docs)': 2,
    'a (docs) (docs)': 3,
    'a (docs 2)': 4,
    b: 5,
    'b (docs)': 6,
  });
});

test('a file that wants two places has both, under one number', t => {
  const twice = placing(file =>
    ['one', 'two'].map(directory => ({ directory, name: file.name, newest: false })),
  );
  const { catalog, ids } = withSame(t, 'a', ['x', 'y'], twice);
  const [first = 0, second = 0] = ids;
  const expected = { 'one/a': first, 'one/a (docs)': second, 'two/a': first, 'two/a (docs)': second };
  assert.deepEqual(filesIn(catalog), expected);
  assert.deepEqual(new Tree(catalog.db).pathsOf(second), ['/one/a (docs)', '/two/a (docs)']);
  catalog.write(writer => writer.deleteFile(first));
  assert.deepEqual(filesIn(catalog), { 'one/a': second, 'two/a': second });
});

test('a file that asks for one place twice is there once, displaced or not', t => {
  const repeated = placing(file => [1, 2].map(() => ({ directory: 'all', name: file.name, newest: false })));
  const { catalog, ids } = withSame(t, 'a', ['x', 'y'], repeated);
  assert.deepEqual(filesIn(catalog), { 'all/a': ids[0], 'all/a (docs)': ids[1] });
});

test('a file that wants the name it is displaced to, too, has both', t => {
  const both = placing(file =>
    ['a', 'a (docs)'].map(name => ({ directory: file.folderPath && 'all', name, newest: false })),
  );
  const { catalog, ids } = withSame(t, 'f', ['x', 'y'], both);
  const [first, second] = ids;
  assert.deepEqual(filesIn(catalog), {
    'all/a': first,
    'all/a (docs)': first,
    'all/a (docs 2)': second,
    'all/a (docs) (docs)': second,
  });
});

test('a file that is renamed gives its name up, and contends for another', t => {
  const catalog = temporaryCatalog(t, byFolder);
  const source = putSource(catalog);
  const [first = 0, second = 0, third = 0] = putFiles(catalog, source, '', ['a~1', 'a~2', 'b']);
  const folder = { id: catalog.files.folder(source.id, '')?.id ?? 0, path: '' };
  catalog.write(writer => writer.renameFile(source, folder, 'b~1', first, 'a~1', attributes()));
  assert.deepEqual(filesIn(catalog), { a: second, b: first, 'b (docs)': third });
  catalog.write(writer => writer.renameFile(source, folder, 'c', first, 'b~1', attributes()));
  assert.deepEqual(filesIn(catalog), { a: second, b: third, c: first });
});

test('files that change names in one transaction end where they belong', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [first = 0, second = 0] = putFiles(catalog, source, '', ['a', 'b']);
  const folder = { id: catalog.files.folder(source.id, '')?.id ?? 0, path: '' };
  catalog.write(writer => {
    writer.renameFile(source, folder, 'b', first, 'a', attributes());
    writer.renameFile(source, folder, 'a', second, 'b', attributes());
  });
  assert.deepEqual(filesIn(catalog), { 'docs/a': second, 'docs/b': first });
  assert.deepEqual([catalog.files.get(first)?.name, catalog.files.get(second)?.name], ['b', 'a']);
});

test('a file in the way of a folder of its own source is displaced while both are there', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [file = 0] = putFiles(catalog, source, '', ['a']);
  catalog.write(writer => writer.putFolder(source, 'a', 0, FOLDER_MODE));
  assert.deepEqual(filesIn(catalog), { 'docs/a (docs)': file });
  catalog.write(writer =>
    writer.removeFolder(source, { id: catalog.files.folder(source.id, 'a')?.id ?? 0, path: 'a' }),
  );
  assert.deepEqual(filesIn(catalog), { 'docs/a': file });
});

test('displaced names survive closing and opening, and go on changing correctly', t => {
  const { catalog, ids } = withSame(t, 'a', ['x', 'y', 'z']);
  const again = openCatalog(catalog.file, flat);
  t.after(() => again.close());
  again.write(writer => writer.deleteFile(ids[0] ?? 0));
  assert.deepEqual(filesIn(catalog), { 'all/a': ids[1], 'all/a (docs)': ids[2] });
});

test('thousands of files that want one name all get one', t => {
  const folders = Array.from({ length: 3_000 }, (_, at) => `${at}`);
  const catalog = temporaryCatalog(t, flat);
  const source = putSource(catalog);
  catalog.write(writer => {
    for (const path of folders) {
      writer.addFile(
        source,
        { id: writer.putFolder(source, path, 0, FOLDER_MODE).id, path },
        'a',
        attributes(),
      );
    }
  });
  const files = filesIn(catalog);
  assert.equal(Object.keys(files).length, 3_000);
  assert.ok(files['all/a (docs 2999)']);
});
