/** `Catalog.write`: files, change log and tree change together or not at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { KnownFile } from '../../src/catalog/files.js';
import type { SourceRecord } from '../../src/catalog/sources.js';
import type { CatalogWriter } from '../../src/catalog/writer.js';
import { Tree } from '../../src/tree/tree.js';
import {
  attributes,
  changesOf,
  contentsOf,
  everything,
  FILE_MODE,
  FOLDER_MODE,
  LINK_MODE,
  openCatalog,
  putFiles,
  putSource,
  temporaryCatalog,
} from '../support/catalogs.js';
import { assertSound, readTree } from '../support/tree-contents.js';

function known(catalog: Catalog, source: SourceRecord, folder: string, name: string): KnownFile {
  const id = catalog.files.folder(source.id, folder)?.id ?? 0;
  const file = catalog.files.inFolder(id).find(each => each.name === name);
  assert.ok(file, `${name} is not known`);
  return file;
}

/** Starts every kind of change that there is, many of each. */
function changeEverything(catalog: Catalog, writer: CatalogWriter, source: SourceRecord): void {
  const old = { id: catalog.files.folder(source.id, 'old')?.id ?? 0, path: 'old' };
  const files = catalog.files.inFolder(old.id);
  const [first, second, third] = files;
  assert.ok(first && second && third);
  const added = { id: writer.putFolder(source, 'new/er', 7, FOLDER_MODE).id, path: 'new/er' };
  for (let at = 0; at < 50; at++) writer.addFile(source, added, `added ${at}`, attributes());
  writer.modifyFile(source, old.path, first, attributes({ size: 99 }));
  writer.renameFile(source, added, 'renamed', second.id, `old/${second.name}`, attributes());
  writer.deleteFile(third.id);
  for (let at = 0; at < 25; at++) writer.addFile(source, added, `added later ${at}`, attributes());
  catalog.sources.add('another', '/elsewhere', everything);
}

test('a change that throws in the middle leaves files, log, sources and tree as they were', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  putFiles(catalog, source, 'old', ['a', 'b', 'c', 'd']);
  const before = contentsOf(catalog.db);
  const failure = new Error('in the middle');
  assert.throws(
    () =>
      catalog.write(writer => {
        changeEverything(catalog, writer, source);
        throw failure;
      }),
    error => error === failure,
  );
  assert.deepEqual(contentsOf(catalog.db), before);
});

test('after a change that threw, the next one is written as if it had been the first', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  putFiles(catalog, source, 'old', ['a', 'b', 'c', 'd']);
  const next = catalog.files.get(1000) ? [...readTree(catalog.db).values()].map(node => node.ino) : [];
  assert.throws(() =>
    catalog.write(writer => {
      changeEverything(catalog, writer, source);
      throw new Error('in the middle');
    }),
  );
  const [id = 0] = putFiles(catalog, source, 'new/er', ['x']);
  assertSound(catalog.db);
  assert.deepEqual(
    [...readTree(catalog.db).keys()],
    ['docs', 'docs/new', 'docs/new/er', 'docs/new/er/x', 'docs/old'].concat(
      ['a', 'b', 'c', 'd'].map(name => `docs/old/${name}`),
    ),
  );
  assert.deepEqual(changesOf(catalog).at(-1), { fileId: id, kind: 'added', detail: null });
  assert.ok(!next.includes(id));
});

test('a change that ends well is complete: every kind of it is in the files, the log and the tree', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  putFiles(catalog, source, 'old', ['a', 'b', 'c', 'd']);
  const logged = catalog.log.lastSeq();
  catalog.write(writer => changeEverything(catalog, writer, source));
  assertSound(catalog.db);
  const tree = readTree(catalog.db);
  assert.equal(tree.get('docs/old/a')?.size, 99);
  assert.deepEqual(
    [...tree.keys()].filter(path => path.startsWith('docs/old/')),
    ['docs/old/a', 'docs/old/d'],
  );
  assert.equal([...tree.keys()].filter(path => path.startsWith('docs/new/er/')).length, 76);
  const kinds = changesOf(catalog, logged).map(change => change.kind);
  assert.deepEqual(
    kinds,
    [...Array(50).fill('added'), 'modified', 'renamed', 'deleted', ...Array(25).fill('added')],
    'the log is in the order in which it happened',
  );
});

test('what a write returns is what its change returned', t => {
  const catalog = temporaryCatalog(t);
  assert.equal(
    catalog.write(() => 42),
    42,
  );
});

test('a file added and changed in one transaction has what came last', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const id = catalog.write(writer => {
    const folder = { id: writer.putFolder(source, '', 0, FOLDER_MODE).id, path: '' };
    const added = writer.addFile(source, folder, 'a', attributes({ size: 1 }));
    const file: KnownFile = { id: added, name: 'a', ...attributes({ size: 1 }) };
    writer.modifyFile(source, '', file, attributes({ size: 2, mtimeUs: 2 }));
    return added;
  });
  const { size, mtimeUs } = catalog.files.get(id) ?? {};
  assert.deepEqual({ size, mtimeUs }, { size: 2, mtimeUs: 2 });
  assert.deepEqual(
    changesOf(catalog).map(change => change.kind),
    ['added', 'modified'],
  );
});

test('a file added and renamed in one transaction is at its last place only', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  catalog.write(writer => {
    const folder = { id: writer.putFolder(source, '', 0, FOLDER_MODE).id, path: '' };
    const id = writer.addFile(source, folder, 'a', attributes());
    writer.renameFile(source, folder, 'b', id, 'a', attributes());
    writer.addFile(source, folder, 'a', attributes());
  });
  assertSound(catalog.db);
  assert.deepEqual([...readTree(catalog.db).keys()], ['docs', 'docs/a', 'docs/b']);
});

test('a file added and deleted in one transaction is in the log, and nowhere else', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const id = catalog.write(writer => {
    const folder = { id: writer.putFolder(source, '', 0, FOLDER_MODE).id, path: '' };
    const added = writer.addFile(source, folder, 'a', attributes());
    writer.deleteFile(added);
    return added;
  });
  assertSound(catalog.db);
  assert.deepEqual([...readTree(catalog.db).keys()], ['docs']);
  assert.deepEqual(
    changesOf(catalog).map(({ fileId, kind }) => [fileId, kind]),
    [
      [id, 'added'],
      [id, 'deleted'],
    ],
  );
});

test('a deleted file is not listed, and comes back to its path with its id', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, 'jobs', ['a', 'b']);
  catalog.write(writer => writer.deleteFile(id));
  assert.ok(catalog.files.get(id)?.deletedAt, 'the row stays');
  assert.equal(catalog.files.find(source.id, 'jobs/a'), undefined);
  assert.equal(new Tree(catalog.db).node(id), undefined);
  assert.deepEqual([...readTree(catalog.db).keys()], ['docs', 'docs/jobs', 'docs/jobs/b']);
  assert.deepEqual(putFiles(catalog, source, 'jobs', ['a'], { size: 5, mtimeUs: 5 }), [id]);
  const { size, mtimeUs, deletedAt } = catalog.files.get(id) ?? {};
  assert.deepEqual({ size, mtimeUs, deletedAt }, { size: 5, mtimeUs: 5, deletedAt: null });
  assert.equal(readTree(catalog.db).get('docs/jobs/a')?.ino, id);
  assert.deepEqual(
    changesOf(catalog)
      .filter(change => change.fileId === id)
      .map(change => change.kind),
    ['added', 'deleted', 'restored'],
  );
});

test('a file comes back as whatever it is now', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, '', ['a']);
  catalog.write(writer => writer.setHash(requireFile(catalog, id), Buffer.alloc(32, 1)));
  catalog.write(writer => writer.deleteFile(id));
  assert.deepEqual(putFiles(catalog, source, '', ['a'], { mode: LINK_MODE, target: 'b' }), [id]);
  assertSound(catalog.db);
  const { mode, target, sha256 } = requireFile(catalog, id);
  assert.deepEqual({ mode, target, sha256 }, { mode: LINK_MODE, target: 'b', sha256: null });
});

function requireFile(catalog: Catalog, id: number) {
  const file = catalog.files.get(id);
  assert.ok(file);
  return file;
}

test('a removed folder takes its place in the tree with it, and comes back with its files', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, 'jobs', ['a']);
  putFiles(catalog, source, '', ['z']);
  catalog.write(writer => {
    writer.deleteFile(id);
    writer.removeFolder(source, { id: catalog.files.folder(source.id, 'jobs')?.id ?? 0, path: 'jobs' });
  });
  assertSound(catalog.db);
  assert.deepEqual([...readTree(catalog.db).keys()], ['docs', 'docs/z']);
  assert.deepEqual(
    [...catalog.files.foldersOf(source.id)].map(folder => folder.path),
    [''],
  );
  assert.deepEqual(putFiles(catalog, source, 'jobs', ['a']), [id]);
  assert.deepEqual([...readTree(catalog.db).keys()], ['docs', 'docs/jobs', 'docs/jobs/a', 'docs/z']);
});

test('no number is given twice, whatever was deleted, removed or undone', t => {
  const catalog = temporaryCatalog(t);
  const seen = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const source = putSource(catalog, 'docs');
    const ids = putFiles(catalog, source, `folder ${round}`, ['a', 'b', 'c']);
    for (const node of readTree(catalog.db).values()) {
      assert.ok(!seen.has(node.ino), `${node.ino} again`);
      seen.add(node.ino);
    }
    assert.throws(() =>
      catalog.write(writer => {
        writer.putFolder(source, 'undone', 0, FOLDER_MODE);
        throw new Error('undone');
      }),
    );
    catalog.write(writer => writer.deleteFile(ids[2] ?? 0));
    catalog.removeSource(source);
  }
  assert.ok(Math.min(...seen) >= 1000, '2 to 999 are reserved');
});

test('numbers go on where they were after the catalog was closed', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [first = 0] = putFiles(catalog, source, '', ['a']);
  const again = openCatalog(catalog.file);
  t.after(() => again.close());
  const [second = 0] = putFiles(again, source, '', ['b']);
  const [third = 0] = putFiles(catalog, source, 'x', ['c']);
  assert.ok(first < second && second < third, `${first}, ${second}, ${third}`);
  assertSound(catalog.db);
});

test('two connections that take turns never mislead each other about directories', t => {
  const one = temporaryCatalog(t);
  const two = openCatalog(one.file);
  t.after(() => two.close());
  const source = putSource(one);
  const [first = 0] = putFiles(one, source, 'jobs', ['a']);
  const folder = one.files.folder(source.id, 'jobs')?.id ?? 0;
  // The second connection removes the directory that the first one remembers.
  two.write(writer => {
    writer.deleteFile(first);
    writer.removeFolder(source, { id: folder, path: 'jobs' });
  });
  putFiles(two, source, 'other', ['x']);
  putFiles(one, source, 'jobs', ['b']);
  assertSound(one.db);
  assert.deepEqual(
    [...readTree(two.db).keys()],
    ['docs', 'docs/jobs', 'docs/jobs/b', 'docs/other', 'docs/other/x'],
  );
});

test('a removed source leaves nothing but the log of its files', t => {
  const catalog = temporaryCatalog(t);
  const kept = putSource(catalog, 'kept');
  putFiles(catalog, kept, 'jobs', ['a', 'b']);
  const before = contentsOf(catalog.db);
  const source = putSource(catalog, 'removed');
  const ids = putFiles(catalog, source, 'jobs', ['a', 'b']);
  catalog.write(writer => writer.deleteFile(ids[0] ?? 0));
  catalog.removeSource(source);
  const after = contentsOf(catalog.db);
  for (const table of ['sources', 'folders', 'files', 'entries']) {
    assert.deepEqual(after[table], before[table], table);
  }
  assertSound(catalog.db);
  assert.deepEqual(
    changesOf(catalog)
      .filter(change => ids.includes(change.fileId))
      .map(change => change.kind),
    ['added', 'added', 'deleted', 'deleted'],
  );
});

test('a checksum stays with the version it was made of', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, '', ['a']);
  const hash = Buffer.alloc(32, 7);
  assert.equal(
    catalog.write(writer => writer.setHash(requireFile(catalog, id), hash)),
    false,
  );
  const folder = { id: catalog.files.folder(source.id, '')?.id ?? 0, path: '' };
  catalog.write(writer => writer.renameFile(source, folder, 'b', id, 'a', attributes()));
  assert.deepEqual(requireFile(catalog, id).sha256, hash, 'a rename');
  const open = attributes({ mode: FILE_MODE | 0o022 });
  catalog.write(writer => writer.modifyFile(source, '', known(catalog, source, '', 'b'), open));
  assert.deepEqual(requireFile(catalog, id).sha256, hash, 'other permissions');
  const later = attributes({ mtimeUs: 2_000_000 });
  catalog.write(writer => writer.modifyFile(source, '', known(catalog, source, '', 'b'), later));
  assert.equal(requireFile(catalog, id).sha256, null, 'another time');
});

test('a checksum of a version that is no longer there is not taken', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, '', ['a']);
  const file = requireFile(catalog, id);
  const newer = attributes({ size: 2 });
  catalog.write(writer => writer.modifyFile(source, '', known(catalog, source, '', 'a'), newer));
  assert.equal(
    catalog.write(writer => writer.setHash(file, Buffer.alloc(32, 7))),
    false,
  );
  assert.equal(requireFile(catalog, id).sha256, null);
});

test('another checksum for the same version is a modification', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, '', ['a']);
  const hash = (byte: number) =>
    catalog.write(writer => writer.setHash(requireFile(catalog, id), Buffer.alloc(32, byte)));
  assert.deepEqual([hash(7), hash(7), hash(8)], [false, false, true]);
  assert.deepEqual(
    changesOf(catalog).map(change => change.kind),
    ['added', 'modified'],
  );
});

test('a rename says where the file came from', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, 'old', ['a']);
  catalog.write(writer => {
    const folder = { id: writer.putFolder(source, 'new', 0, FOLDER_MODE).id, path: 'new' };
    writer.renameFile(source, folder, 'b', id, 'old/a', attributes());
  });
  assert.deepEqual(changesOf(catalog).at(-1), { fileId: id, kind: 'renamed', detail: { from: 'old/a' } });
  assert.equal(catalog.files.find(source.id, 'new/b')?.id, id);
});

test('the numbers of the log have no gaps and only grow', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const ids = putFiles(catalog, source, '', ['a', 'b']);
  assert.equal(catalog.log.lastSeq(), 2);
  assert.throws(() =>
    catalog.write(writer => {
      for (const id of ids) writer.deleteFile(id);
      throw new Error('undone');
    }),
  );
  assert.equal(catalog.log.lastSeq(), 2);
  catalog.write(writer => writer.deleteFile(ids[0] ?? 0));
  assert.equal(catalog.log.lastSeq(), 3);
});

test('files that were deleted long ago are forgotten; those of the last months can come back', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const [old = 0, recent = 0, there = 0] = putFiles(catalog, source, '', ['old', 'recent', 'there']);
  catalog.write(writer => {
    for (const id of [old, recent]) writer.deleteFile(id);
  });
  const daysAgo = (days: number) => Date.now() - days * 86_400_000;
  const setDeleted = catalog.db.prepare('UPDATE files SET deleted_at = ? WHERE id = ?');
  setDeleted.run(daysAgo(181), old);
  setDeleted.run(daysAgo(179), recent);
  catalog.prune();
  assertSound(catalog.db);
  assert.equal(catalog.files.get(old), undefined);
  assert.deepEqual(putFiles(catalog, source, '', ['recent']), [recent]);
  const [again = 0] = putFiles(catalog, source, '', ['old']);
  assert.ok(again > there, 'a new number');
});

test('the log is bounded, and its numbers go on', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  catalog.db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001000)
    INSERT INTO changes(at, file_id, kind) SELECT 0, i, 'added' FROM n`);
  catalog.prune();
  const kept = catalog.db.prepare<[], number>('SELECT count(*) FROM changes').pluck().get();
  assert.equal(kept, 1_000_000);
  putFiles(catalog, source, '', ['a']);
  assert.equal(catalog.log.lastSeq(), 1_001_001);
});
