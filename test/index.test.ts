/** The library as a program sees it that imports `facetfs`: the example at the head of src/index.ts, and its names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as facetfs from 'facetfs';
import { temporaryFolder, writeFile } from './support/temporary-folder.js';

test('the public names', () => {
  assert.deepEqual(Object.keys(facetfs).sort(), [
    'EntryType',
    'FacetError',
    'Plan',
    'QueryError',
    'Volume',
    'addSource',
    'applyRules',
    'checkDraft',
    'defaultConfig',
    'fetchFile',
    'find',
    'formatQuery',
    'loadConfig',
    'matching',
    'mount',
    'openCatalog',
    'parseQuery',
    'parseRange',
    'readDraft',
    'readFile',
    'resolveHome',
    'rulesOf',
    'scan',
    'sourcePath',
  ]);
});

test('a folder is indexed, looked at, read and fetched', async t => {
  const folder = temporaryFolder(t);
  writeFile(folder, 'documents/report.pdf', 'all is well');
  const { catalogFile } = facetfs.resolveHome({ home: `${folder}/home`, env: {} });
  const catalog = facetfs.openCatalog(catalogFile);
  t.after(() => catalog.close());
  const docs = facetfs.addSource(catalog, 'docs', `${folder}/documents`, {
    include: [],
    exclude: [],
    follow: false,
  });
  assert.equal((await facetfs.scan(catalog, docs)).added, 1);

  const volume = new facetfs.Volume(catalogFile);
  t.after(() => volume.close());
  const node = volume.tree.resolve('/docs/report.pdf');
  assert.equal(node?.size, 11);
  const paths = [...facetfs.find(volume.tree, '/docs/*.pdf')].map(({ path }) => path);
  assert.deepEqual(paths, ['/docs/report.pdf']);
  const recent = [...facetfs.matching(volume, facetfs.parseQuery('name:*.pdf age<30d'))].map(
    facetfs.sourcePath,
  );
  assert.deepEqual(recent, ['report.pdf']);

  const { signal } = new AbortController();
  const record = volume.file(node?.ino ?? 0);
  assert.equal(facetfs.sourcePath(record), 'report.pdf');
  const pieces: Buffer[] = [];
  for await (const piece of facetfs.readFile(volume, record, facetfs.parseRange('4-'), signal))
    pieces.push(piece);
  assert.equal(Buffer.concat(pieces).toString(), 'is well');
  const options = { force: false, signal, onBytes: () => {} };
  assert.deepEqual(await facetfs.fetchFile(volume, record, { folder, relative: 'copy.pdf' }, options), {
    status: 'fetched',
    bytes: 11,
  });
});

test('what fails says how', () => {
  assert.throws(
    () => new facetfs.Volume('/nowhere/catalog.db'),
    error => error instanceof facetfs.FacetError && error.code === 'not-found' && error.hint !== undefined,
  );
});
