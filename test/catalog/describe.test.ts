/** What users say of files hangs on the file, wherever it is by then. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Descriptions } from '../../src/catalog/descriptions.js';
import type { Description } from '../../src/catalog/writer.js';
import { Tree } from '../../src/tree/tree.js';
import {
  attributes,
  changesOf,
  FOLDER_MODE,
  putFiles,
  putSource,
  temporaryCatalog,
} from '../support/catalogs.js';
import { assertSound, pathsOf } from '../support/tree-contents.js';

function withFile(context: TestContext) {
  const catalog = temporaryCatalog(context);
  const source = putSource(catalog);
  const [id = 0] = putFiles(catalog, source, '', ['a']);
  const file = catalog.files.get(id) ?? assert.fail();
  return { catalog, source, file, descriptions: new Descriptions(catalog.db) };
}

test('a file that was moved after it was looked up stays where it is', t => {
  const { catalog, source, file, descriptions } = withFile(t);
  catalog.write(writer => {
    const to = { id: writer.putFolder(source, 'x', 0, FOLDER_MODE).id, path: 'x' };
    writer.renameFile(source, to, 'b', file.id, 'a', attributes());
  });
  assert.equal(
    catalog.write(writer => writer.describeFile(file, { add: ['work'] })),
    true,
  );
  assert.deepEqual(new Tree(catalog.db).pathsOf(file.id), ['/docs/x/b']);
  assert.deepEqual(descriptions.labels(file.id), ['work']);
  assertSound(catalog.db);
});

test('a file that was deleted after it was looked up stays away, and comes back with what was said', t => {
  const { catalog, source, file, descriptions } = withFile(t);
  catalog.write(writer => writer.deleteFile(file.id));
  catalog.write(writer => writer.describeFile(file, { properties: { title: 'Dune' } }));
  assert.deepEqual(pathsOf(catalog.db), ['docs/']);
  assertSound(catalog.db);
  assert.deepEqual(putFiles(catalog, source, '', ['a']), [file.id]);
  assert.deepEqual(descriptions.properties(file.id), { title: 'Dune' });
});

test('of a file that is forgotten nothing can be said', t => {
  const { catalog, file, descriptions } = withFile(t);
  catalog.write(writer => writer.deleteFile(file.id));
  catalog.db.prepare('DELETE FROM files').run();
  assert.equal(
    catalog.write(writer => writer.describeFile(file, { add: ['work'] })),
    false,
  );
  assert.deepEqual(descriptions.labels(file.id), []);
});

test('what was so already is no change', t => {
  const { catalog, file } = withFile(t);
  const say = (description: Description) => catalog.write(writer => writer.describeFile(file, description));
  assert.equal(say({ add: ['work'], properties: { year: 2021, genre: ['a', 'b'] } }), true);
  const before = changesOf(catalog).length;
  assert.equal(say({ add: ['work'], properties: { genre: ['a', 'b'], year: 2021 } }), false);
  assert.equal(say({ remove: ['home'], properties: { title: null } }), false);
  assert.equal(changesOf(catalog).length, before);
  assert.equal(say({ remove: ['work'] }), true);
  assert.equal(say({ properties: { year: null } }), true);
  assert.deepEqual(
    changesOf(catalog, before).map(({ kind }) => kind),
    ['described', 'described'],
  );
});
