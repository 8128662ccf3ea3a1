/** The sources that a catalog knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { everything, putSource, temporaryCatalog } from '../support/catalogs.js';

function isError(code: string, words: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, code);
    assert.match(`${error.message}\n${error.hint}`, words);
    return true;
  };
}

test('a source is found again by its name, with its options', t => {
  const catalog = temporaryCatalog(t);
  const options = { include: ['*.pdf'], exclude: ['tmp/'], follow: true };
  const added = catalog.write(() => catalog.sources.add('docs', '/home/me/docs', options));
  assert.deepEqual(catalog.sources.get('docs'), added);
  assert.deepEqual(
    { uri: added.uri, options: added.options, state: added.state },
    {
      uri: '/home/me/docs',
      options,
      state: {},
    },
  );
});

test('names that can be a directory and are easy to type are taken', t => {
  const catalog = temporaryCatalog(t);
  const names = ['a', '0', 'Films 2024', 'my.docs-2_x', 'Büro', '写真', 'Ελληνικά', 'a'.repeat(100)];
  for (const name of names) putSource(catalog, name);
  assert.equal(catalog.sources.all().length, names.length);
});

test('names that cannot be a directory, or would surprise, are refused', t => {
  const catalog = temporaryCatalog(t);
  const names = ['', '.', '..', '.hidden', '-rf', ' a', 'a ', 'a/b', '/', 'a\0b', 'a\nb', 'a'.repeat(101)];
  for (const name of [...names, 'a:b', 'a*', '"a"', '\u202ea', '😀']) {
    assert.throws(
      () => putSource(catalog, name),
      isError('usage', /use letters, digits/),
      JSON.stringify(name),
    );
  }
});

test('the name of a source fits into the name of a directory: 255 bytes', t => {
  const catalog = temporaryCatalog(t);
  putSource(catalog, '写'.repeat(85));
  assert.throws(() => putSource(catalog, '写'.repeat(86)), isError('usage', /255 bytes/));
});

test('a name is given once', t => {
  const catalog = temporaryCatalog(t);
  putSource(catalog, 'docs');
  assert.throws(() => putSource(catalog, 'docs'), isError('exists', /facet index rm docs/));
});

test('a source that is not there is not-found, and those that are there are named', t => {
  const catalog = temporaryCatalog(t);
  assert.throws(() => catalog.sources.get('docs'), isError('not-found', /facet index add/));
  putSource(catalog, 'films');
  putSource(catalog, 'music');
  assert.throws(() => catalog.sources.get('docs'), isError('not-found', /films, music/));
  assert.equal(catalog.sources.find('docs'), undefined);
});

test('sources are listed by name', t => {
  const catalog = temporaryCatalog(t);
  for (const name of ['b', 'c', 'a']) putSource(catalog, name);
  assert.deepEqual(
    catalog.sources.all().map(source => source.name),
    ['a', 'b', 'c'],
  );
});

test('the state of a source is what it was set to last', t => {
  const catalog = temporaryCatalog(t);
  const { id } = catalog.sources.add('docs', '/x', everything);
  catalog.sources.setState(id, { unavailable: 'it does not exist' });
  assert.deepEqual(catalog.sources.get('docs').state, { unavailable: 'it does not exist' });
  catalog.sources.setState(id, { lastScan: '2026-01-01T00:00:00.000Z' });
  assert.deepEqual(catalog.sources.get('docs').state, { lastScan: '2026-01-01T00:00:00.000Z' });
});
