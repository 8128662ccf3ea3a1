/** Adding a source: what is taken, and what is refused with a reason. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { addSource } from '../../src/indexing/add-source.js';
import { everything, temporaryCatalog } from '../support/catalogs.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

function isError(code: string, words: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(`${error.message}\n${error.hint}`, words);
    return true;
  };
}

test('a folder is added under its absolute path, as it was written', t => {
  const catalog = temporaryCatalog(t);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  const options = { include: ['*.pdf'], exclude: [], follow: true };
  const source = addSource(catalog, 'docs', `${folder}/x/../link/`, options);
  assert.deepEqual([source.name, source.uri, source.options], ['docs', join(folder, 'link'), options]);
});

test('what cannot be listed is not added', t => {
  const catalog = temporaryCatalog(t);
  const folder = temporaryFolder(t);
  for (const path of [join(folder, 'nowhere'), writeFile(folder, 'file')]) {
    assert.throws(
      () => addSource(catalog, 'docs', path, everything),
      isError('unreachable', /check the path/),
    );
  }
  assert.deepEqual(catalog.sources.all(), []);
});

test('a source inside another, around it, or the same is refused, through links too', t => {
  const catalog = temporaryCatalog(t);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'a/b/c'), { recursive: true });
  mkdirSync(join(folder, 'ab'));
  symlinkSync('a/b', join(folder, 'link'));
  addSource(catalog, 'docs', join(folder, 'a/b'), everything);
  const refused = {
    'a/b': /is the source docs/,
    'a/b/c': /is inside the source docs/,
    a: /contains the source docs/,
  };
  for (const [path, words] of Object.entries({ ...refused, link: /is the source/, 'link/c': /is inside/ })) {
    assert.throws(
      () => addSource(catalog, 'more', join(folder, path), everything),
      isError('usage', words),
      path,
    );
  }
  addSource(catalog, 'neighbour', join(folder, 'ab'), everything);
});

test('a source whose folder is gone is still in the way', t => {
  const catalog = temporaryCatalog(t);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'a'));
  addSource(catalog, 'docs', join(folder, 'a'), everything);
  rmSync(join(folder, 'a'), { recursive: true });
  assert.throws(
    () => addSource(catalog, 'more', folder, everything),
    isError('usage', /contains the source docs/),
  );
});

test('kinds of sources that there are not are refused', t => {
  const catalog = temporaryCatalog(t);
  for (const uri of ['ftp://example.org/', 'gopher:x', 's3:bucket']) {
    assert.throws(() => addSource(catalog, 'docs', uri, everything), isError('usage', /./), uri);
  }
  assert.throws(
    () => addSource(catalog, 'docs', 'file://nas/share', everything),
    isError('usage', /file:\/\/\/path/),
  );
  assert.deepEqual(catalog.sources.all(), []);
});

test('a malformed glob is refused before anything is written', t => {
  const catalog = temporaryCatalog(t);
  const folder = temporaryFolder(t);
  for (const glob of ['', '/']) {
    const options = { ...everything, exclude: [glob] };
    assert.throws(() => addSource(catalog, 'docs', folder, options), isError('usage', /is not a glob/));
  }
  assert.deepEqual(catalog.sources.all(), []);
});

test('a name that is taken, or none, is refused', t => {
  const catalog = temporaryCatalog(t);
  addSource(catalog, 'docs', temporaryFolder(t), everything);
  assert.throws(
    () => addSource(catalog, 'docs', temporaryFolder(t), everything),
    isError('exists', /index rm docs/),
  );
  assert.throws(
    () => addSource(catalog, 'a/b', temporaryFolder(t), everything),
    isError('usage', /use letters/),
  );
});
