/** What a kernel that has the tree in its caches is told to forget. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { CatalogWriter } from '../../src/catalog/writer.js';
import type { Arrangement } from '../../src/tree/arrangement.js';
import { Tree } from '../../src/tree/tree.js';
import { TreeChangeReader } from '../../src/tree/tree-changes.js';
import {
  attributes,
  FOLDER_MODE,
  LINK_MODE,
  putFiles,
  putSource,
  temporaryCatalog,
} from '../support/catalogs.js';

/** What a write records: `docs/a` for a name that is gone or means something else, `docs/` for a changed listing. */
function recorded(catalog: Catalog, change: (writer: CatalogWriter) => void): string[] {
  const reader = new TreeChangeReader(catalog.db);
  const before = reader.lastSeq();
  const paths = directoryPaths(catalog);
  catalog.write(change);
  for (const [ino, path] of directoryPaths(catalog)) paths.set(ino, path);
  const changes = reader.after(before, 1_000) ?? assert.fail('changes are missing');
  return changes.map(({ parent, name }) => `${paths.get(parent)}${name ?? ''}`).sort();
}

/** Every directory's path with a slash at the end; that of the root is `/`. */
function directoryPaths({ db }: Catalog): Map<number, string> {
  const tree = new Tree(db);
  const numbers = db.prepare<[], number>('SELECT ino FROM dirs').pluck().all();
  return new Map(numbers.map(ino => [ino, ino === 1 ? '/' : `${tree.pathsOf(ino)[0]?.slice(1)}/`]));
}

function folderOf(catalog: Catalog, path: string) {
  const source = catalog.sources.get('docs');
  return { id: catalog.files.folder(source.id, path)?.id ?? 0, path };
}

function withFiles(catalog: Catalog) {
  const source = putSource(catalog);
  putFiles(catalog, source, '', []);
  const [a = 0, b = 0] = putFiles(catalog, source, 'x', ['a', 'b']);
  const file = (name: string) => {
    const known = catalog.files.inFolder(folderOf(catalog, 'x').id).find(each => each.name === name);
    return known ?? assert.fail(`${name} is not there`);
  };
  return { source, a, b, file };
}

test('a name that is gone is recorded, with the listing it was in', t => {
  const catalog = temporaryCatalog(t);
  const { a } = withFiles(catalog);
  assert.deepEqual(
    recorded(catalog, writer => writer.deleteFile(a)),
    ['docs/x/', 'docs/x/a'],
  );
});

test('a file that changed is recorded by its name', t => {
  const catalog = temporaryCatalog(t);
  const { source, file } = withFiles(catalog);
  const changes = recorded(catalog, writer =>
    writer.modifyFile(source, 'x', file('a'), attributes({ size: 9 })),
  );
  assert.ok(changes.includes('docs/x/a'));
  assert.ok(!changes.includes('docs/x/b'));
});

test('a file that became a link is recorded', t => {
  const catalog = temporaryCatalog(t);
  const { source, file } = withFiles(catalog);
  const link = attributes({ mode: LINK_MODE, target: 'b' });
  assert.ok(
    recorded(catalog, writer => writer.modifyFile(source, 'x', file('a'), link)).includes('docs/x/a'),
  );
});

test('contents that changed behind the same size and time are recorded', t => {
  const catalog = temporaryCatalog(t);
  const { a } = withFiles(catalog);
  const hash = (byte: number) => (writer: CatalogWriter) => {
    const file = catalog.files.get(a) ?? assert.fail();
    writer.setHash(file, Buffer.alloc(32, byte));
  };
  assert.deepEqual(recorded(catalog, hash(1)), []);
  assert.ok(recorded(catalog, hash(2)).includes('docs/x/a'));
});

test('a rename records the old name, and the new one where it meant something else', t => {
  const catalog = temporaryCatalog(t);
  const { source, a, b } = withFiles(catalog);
  const rename = (id: number, from: string, name: string) => (writer: CatalogWriter) =>
    writer.renameFile(source, folderOf(catalog, 'x'), name, id, from, attributes());
  assert.ok(recorded(catalog, rename(a, 'x/a', 'c')).includes('docs/x/a'));
  const over = recorded(catalog, writer => {
    writer.deleteFile(b);
    rename(a, 'x/c', 'b')(writer);
  });
  assert.deepEqual(
    ['docs/x/b', 'docs/x/c'].filter(path => !over.includes(path)),
    [],
  );
});

test('a file that takes the name of another records that name', t => {
  const catalog = temporaryCatalog(t);
  const { source, a } = withFiles(catalog);
  const changes = recorded(catalog, writer => {
    writer.deleteFile(a);
    writer.putFolder(source, 'x/a', 0, FOLDER_MODE);
  });
  assert.ok(changes.includes('docs/x/a'));
});

test('names that are merely new cost one record a directory, whatever their number', t => {
  const catalog = temporaryCatalog(t);
  const { source } = withFiles(catalog);
  const changes = recorded(catalog, writer => {
    for (let at = 0; at < 100; at++)
      writer.addFile(source, folderOf(catalog, 'x'), `new ${at}`, attributes());
  });
  assert.deepEqual(changes, ['docs/x/']);
});

test('what is in a new directory records nothing; only the listing that it appears in changed', t => {
  const catalog = temporaryCatalog(t);
  const { source } = withFiles(catalog);
  const changes = recorded(catalog, writer => {
    for (const path of ['x/new', 'x/new/er']) {
      const folder = { id: writer.putFolder(source, path, 0, FOLDER_MODE).id, path };
      for (let at = 0; at < 50; at++) writer.addFile(source, folder, `${at}`, attributes());
    }
  });
  assert.deepEqual(changes, ['docs/x/']);
});

test('a first scan records the root only', t => {
  const catalog = temporaryCatalog(t);
  const source = putSource(catalog);
  const changes = recorded(catalog, writer => {
    const folder = { id: writer.putFolder(source, '', 0, FOLDER_MODE).id, path: '' };
    writer.addFile(source, folder, 'a', attributes());
  });
  assert.deepEqual(changes, ['/']);
});

test('a folder with another time or other permissions is recorded', t => {
  const catalog = temporaryCatalog(t);
  const { source } = withFiles(catalog);
  assert.deepEqual(
    recorded(catalog, writer => void writer.putFolder(source, 'x', 5, FOLDER_MODE)),
    ['docs/x/'],
  );
  assert.deepEqual(
    recorded(catalog, writer => void writer.putFolder(source, 'x', 5, FOLDER_MODE)),
    [],
    'nothing changed',
  );
});

test('a directory that is gone is recorded by its name', t => {
  const catalog = temporaryCatalog(t);
  const { source, a, b } = withFiles(catalog);
  const changes = recorded(catalog, writer => {
    for (const id of [a, b]) writer.deleteFile(id);
    writer.removeFolder(source, folderOf(catalog, 'x'));
  });
  assert.ok(changes.includes('docs/x'), changes.join());
  assert.ok(changes.includes('docs/'), changes.join());
});

const flat: Arrangement = {
  declared: [],
  showsFolders: false,
  placements: file => [{ directory: '', name: file.name, newest: false }],
  directory: () => undefined,
};

test('files that are displaced, and those that get their names back, are recorded by names that there are', t => {
  const catalog = temporaryCatalog(t, flat);
  const source = putSource(catalog);
  const [first = 0] = putFiles(catalog, source, 'x', ['a']);
  const add = recorded(catalog, writer => {
    const path = 'y';
    writer.addFile(
      source,
      { id: writer.putFolder(source, path, 0, FOLDER_MODE).id, path },
      'a',
      attributes(),
    );
  });
  assert.deepEqual(
    add.filter(path => path.includes('\0')),
    [],
  );
  assert.ok(!add.includes('/a'), 'that one still means the same');
  const removed = recorded(catalog, writer => writer.deleteFile(first));
  assert.deepEqual(
    removed.filter(path => path.includes('\0')),
    [],
  );
  for (const path of ['/a', '/a (docs)']) assert.ok(removed.includes(path), removed.join());
  const back = recorded(
    catalog,
    writer => void writer.addFile(source, folderOf(catalog, 'x'), 'a', attributes()),
  );
  assert.deepEqual(
    back.filter(path => path.includes('\0')),
    [],
  );
  for (const path of ['/a']) assert.ok(back.includes(path), back.join());
});

test('a write that changes nothing records nothing', t => {
  const catalog = temporaryCatalog(t);
  withFiles(catalog);
  assert.deepEqual(
    recorded(catalog, () => {}),
    [],
  );
});

test('the records are a bounded tail; who is too far behind is told so', t => {
  const catalog = temporaryCatalog(t);
  const { source } = withFiles(catalog);
  const reader = new TreeChangeReader(catalog.db);
  const old = reader.lastSeq();
  catalog.db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
    INSERT INTO tree_changes(parent, name) SELECT 1, 'name ' || i FROM n`);
  const late = reader.lastSeq() - 10;
  catalog.write(writer => writer.putFolder(source, 'x', 77, FOLDER_MODE));
  const kept = catalog.db.prepare<[], number>('SELECT count(*) FROM tree_changes').pluck().get() ?? 0;
  assert.ok(kept > 1_000 && kept <= 100_000, `${kept} are kept`);
  assert.equal(reader.after(old, 10), undefined);
  assert.equal(reader.after(late, 100)?.length, 11);
  assert.equal(reader.after(late, 5)?.length, 5, 'no more than asked for');
  assert.deepEqual(reader.after(reader.lastSeq(), 5), []);
});
