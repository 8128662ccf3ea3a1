/** Reading the tree, under the default arrangement: each source is a directory, with its folders as they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryType } from '../../src/catalog/projector.js';
import { ROOT_INODE } from '../../src/catalog/schema.js';
import { Tree } from '../../src/tree/tree.js';
import {
  FILE_MODE,
  FOLDER_MODE,
  LINK_MODE,
  openCatalog,
  putFiles,
  putSource,
  temporaryCatalog,
} from '../support/catalogs.js';
import { assertSound, pathsOf, readTree } from '../support/tree-contents.js';

test('a new catalog has a root with nothing in it', t => {
  const { db } = temporaryCatalog(t);
  const tree = new Tree(db);
  const root = tree.node(ROOT_INODE);
  assert.deepEqual([root?.ino, root?.type, root?.mode], [1, EntryType.directory, FOLDER_MODE]);
  assert.deepEqual([...tree.entries(ROOT_INODE)], []);
  assert.equal(tree.parentOf(ROOT_INODE), ROOT_INODE);
  assert.deepEqual(tree.resolve('/'), root);
  assert.deepEqual(tree.pathsOf(ROOT_INODE), ['/']);
  assert.deepEqual(tree.totals(), { files: 0, bytes: 0 });
});

test('each source is a directory, with its folders and files as they are', t => {
  const catalog = temporaryCatalog(t);
  const docs = putSource(catalog, 'docs');
  const films = putSource(catalog, 'films');
  putFiles(catalog, docs, '', ['a']);
  putFiles(catalog, docs, 'jobs/old', ['a', 'b']);
  putFiles(catalog, films, '', ['a']);
  assertSound(catalog.db);
  assert.deepEqual(
    pathsOf(catalog.db),
    ['docs/', 'docs/a', 'docs/jobs/', 'docs/jobs/old/', 'docs/jobs/old/a', 'docs/jobs/old/b'].concat([
      'films/',
      'films/a',
    ]),
  );
});

test('empty folders are shown, and so is a source without files', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  putFiles(catalog, source, '', []);
  putFiles(catalog, source, 'empty/er', []);
  assert.deepEqual(pathsOf(catalog.db), ['docs/', 'docs/empty/', 'docs/empty/er/']);
});

test('a source that was never scanned has no directory', t => {
  const catalog = temporaryCatalog(t);
  putSource(catalog);
  assert.deepEqual(pathsOf(catalog.db), []);
});

test('nodes have the attributes of their files and folders', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [file = 0] = putFiles(catalog, source, 'x', ['file'], { size: 2 ** 52, mtimeUs: -5 });
  const [link = 0] = putFiles(catalog, source, 'x', ['link'], { size: 3, mode: LINK_MODE, target: 'abc' });
  catalog.write(writer => writer.putFolder(source, 'x', 7, 0o040700));
  const tree = new Tree(catalog.db);
  const expected = {
    '/docs/x/file': { ino: file, type: EntryType.file, size: 2 ** 52, mtimeUs: -5, mode: FILE_MODE },
    '/docs/x/link': { ino: link, type: EntryType.link, size: 3, mtimeUs: 1_000_000, mode: LINK_MODE },
    '/docs/x': { type: EntryType.directory, size: 0, mtimeUs: 7, mode: 0o040700 },
  };
  for (const [path, attributes] of Object.entries(expected)) {
    const node = tree.resolve(path);
    assert.deepEqual(node, { ino: node?.ino, version: null, ...attributes }, path);
    assert.deepEqual(tree.node(node?.ino ?? 0), node, 'the same by its number');
  }
});

test('a path is resolved name by name', t => {
  const catalog = temporaryCatalog(t);
  const [id = 0] = putFiles(catalog, putSource(catalog), 'x/y', ['a']);
  const tree = new Tree(catalog.db);
  for (const path of ['/docs/x/y/a', 'docs/x/y/a', '//docs//x/./y/a/', './docs/x/y/a']) {
    assert.equal(tree.resolve(path)?.ino, id, path);
  }
  for (const path of [
    '/doc',
    '/docs/x/a',
    '/docs/x/y/a/b',
    '/docs/..',
    '/docs/x/../x',
    '/Docs',
    '/docs/x/y/A',
  ]) {
    assert.equal(tree.resolve(path), undefined, path);
  }
});

test('a path of an inode leads back to it', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  putFiles(catalog, source, 'x/y', ['a', 'b']);
  putFiles(catalog, source, '', ['a']);
  const tree = new Tree(catalog.db);
  for (const [path, { ino }] of readTree(catalog.db)) {
    assert.deepEqual(tree.pathsOf(ino), [`/${path}`]);
    assert.equal(tree.resolve(`/${path}`)?.ino, ino);
  }
  assert.deepEqual(tree.pathsOf(999_999), []);
});

test('a directory is above what is in it', t => {
  const catalog = temporaryCatalog(t);
  putFiles(catalog, putSource(catalog), 'x', []);
  const tree = new Tree(catalog.db);
  const docs = tree.resolve('/docs')?.ino ?? 0;
  assert.equal(tree.parentOf(tree.resolve('/docs/x')?.ino ?? 0), docs);
  assert.equal(tree.parentOf(docs), ROOT_INODE);
  assert.equal(tree.parentOf(999_999), undefined);
});

test('a directory is listed in the order of the bytes of its names, page by page', t => {
  const catalog = temporaryCatalog(t);
  const names = ['B', 'a', 'a b', 'ab', '\u00e9', '\ufb00', '\uefff', '😀', '~', '\n', '-'];
  putFiles(catalog, putSource(catalog), '', names);
  const tree = new Tree(catalog.db);
  const docs = tree.resolve('/docs')?.ino ?? 0;
  const sorted = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  assert.deepEqual(
    [...tree.entries(docs)].map(entry => entry.name),
    sorted,
  );
  for (const limit of [1, 2, 3, 10, 11, 12]) {
    const listed: string[] = [];
    for (let after = ''; ; ) {
      const page = tree.list(docs, after, limit).map(entry => entry.name);
      assert.ok(page.length <= limit);
      listed.push(...page);
      if (page.length < limit) break;
      after = page.at(-1) ?? '';
    }
    assert.deepEqual(listed, sorted, `${limit} at a time`);
  }
});

test('a large directory is listed completely', t => {
  const catalog = temporaryCatalog(t);
  const names = Array.from({ length: 1_025 }, (_, at) => `${at}`.padStart(5, '0'));
  const ids = putFiles(catalog, putSource(catalog), '', names);
  const tree = new Tree(catalog.db);
  const entries = [...tree.entries(tree.resolve('/docs')?.ino ?? 0)];
  assert.deepEqual(
    entries.map(entry => entry.name),
    names,
  );
  assert.deepEqual(
    entries.map(entry => entry.ino),
    ids,
  );
});

test('a listing goes on correctly while the directory changes', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [a = 0, b = 0] = putFiles(catalog, source, '', ['a', 'b', 'd']);
  const tree = new Tree(catalog.db);
  const docs = tree.resolve('/docs')?.ino ?? 0;
  assert.deepEqual(
    tree.list(docs, '', 2).map(entry => entry.name),
    ['a', 'b'],
  );
  catalog.write(writer => {
    writer.deleteFile(a);
    writer.deleteFile(b);
  });
  putFiles(catalog, source, '', ['aa', 'c']);
  assert.deepEqual(
    tree.list(docs, 'b', 2).map(entry => entry.name),
    ['c', 'd'],
    'after a name that is gone',
  );
});

test('numbers are the same after the catalog was closed and opened', t => {
  const catalog = temporaryCatalog(t);
  putFiles(catalog, putSource(catalog), 'x/y', ['a', 'b']);
  const before = readTree(catalog.db);
  const again = openCatalog(catalog.file);
  assert.deepEqual(readTree(again.db), before);
  again.close();
});

test('a directory keeps its number while its folder changes', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  putFiles(catalog, source, 'x', ['a']);
  const before = readTree(catalog.db).get('docs/x')?.ino;
  const [b = 0] = putFiles(catalog, source, 'x', ['b']);
  catalog.write(writer => writer.putFolder(source, 'x', 99, 0o040500));
  catalog.write(writer => writer.deleteFile(b));
  assert.equal(readTree(catalog.db).get('docs/x')?.ino, before);
});

test('what there is is counted', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, 'x', ['a', 'b', 'c'], { size: 10 });
  catalog.write(writer => writer.deleteFile(id));
  assert.deepEqual(new Tree(catalog.db).totals(), { files: 2, bytes: 20 });
});
