/** Searching the catalog: the same files as the predicate finds, in the order of their ids. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Catalog } from '../../src/catalog/catalog.js';
import { FileFacts, type LabelRule } from '../../src/catalog/facts.js';
import { Search, type SearchOptions } from '../../src/catalog/search.js';
import { compilePredicate } from '../../src/query/compile.js';
import { formatQuery } from '../../src/query/format.js';
import { parseQuery } from '../../src/query/parse.js';
import { withFiles } from '../../src/query/states.js';
import {
  attributes,
  FILE_MODE,
  FOLDER_MODE,
  LINK_MODE,
  putSource,
  temporaryCatalog,
} from '../support/catalogs.js';
import { factsOf, NOW, naively, type SomeFile, someFile, someQuery } from '../support/queries.js';
import { runs } from '../support/random.js';

/** Returns the file of each id. */
function putAll(catalog: Catalog, files: readonly SomeFile[]): Map<number, SomeFile> {
  const sources = new Map(['docs', 'media'].map(name => [name, putSource(catalog, name)]));
  const byId = new Map<number, SomeFile>();
  catalog.write(writer => {
    for (const file of files) {
      const source = sources.get(file.source);
      assert.ok(source);
      const { id: folderId } = writer.putFolder(source, file.folder, 0, FOLDER_MODE);
      const { size, mtimeUs } = file;
      const given = attributes({ size, mtimeUs, mode: file.isLink ? LINK_MODE : FILE_MODE });
      byId.set(writer.addFile(source, { id: folderId, path: file.folder }, file.name, given), file);
    }
  });
  for (const [id, file] of byId) describeFile(catalog, id, file);
  return byId;
}

function describeFile(
  { db }: Catalog,
  id: number,
  { labels, properties, accessedMs }: Partial<SomeFile>,
): void {
  if (accessedMs !== undefined) db.prepare('INSERT INTO accesses VALUES (?, ?, 1)').run(id, accessedMs);
  for (const label of labels ?? []) db.prepare('INSERT INTO labels VALUES (?, ?)').run(label, id);
  if (properties && Object.keys(properties).length > 0)
    db.prepare('INSERT INTO properties(file_id, json) VALUES (?, ?)').run(id, JSON.stringify(properties));
}

function idsOf(catalog: Catalog, text: string, options: SearchOptions = {}): number[] {
  return [...new Search(catalog.db).find(parseQuery(text), options)].map(file => file.id);
}

const place = (file: SomeFile) => `${file.source}:${file.folder}/${file.name}`;

const RULES: readonly LabelRule[] = [
  { source: 'docs', prefix: 'work/', labels: ['work', 'ruled'] },
  { source: 'media', prefix: '', labels: ['wo*'] },
  { source: 'docs', prefix: 'work/a/', labels: ['é'] },
  { source: 'gone', prefix: '', labels: ['work'] },
];

function ruled(file: SomeFile, rules: readonly LabelRule[]): SomeFile {
  const path = file.folder === '' ? file.name : `${file.folder}/${file.name}`;
  const given = rules.filter(rule => rule.source === file.source && path.startsWith(rule.prefix));
  return { ...file, labels: [...file.labels, ...given.flatMap(rule => rule.labels)] };
}

test('SQL, predicate and slow evaluator find the same files', async t => {
  const files = fc.sample(someFile, { numRuns: 400, seed: runs(1).seed });
  const catalog = temporaryCatalog(t);
  const byId = putAll(catalog, [...new Map(files.map(file => [place(file), file])).values()]);
  assert.ok(byId.size > 300);
  const search = new Search(catalog.db);
  const facts = { ofRules: new FileFacts(catalog.db, RULES), ofNone: new FileFacts(catalog.db) };
  fc.assert(
    fc.property(someQuery, fc.boolean(), fc.nat(2), (unasked, withRules, nth) => {
      const ids = [...byId.keys()];
      const query = withFiles(unasked, state => new Set(ids.filter(id => (id + state.length) % 3 === nth)));
      const labelRules = withRules ? RULES : [];
      const found = [...search.find(query, { now: NOW, labelRules })].map(file => file.id);
      const slowly = [...byId].filter(([id, file]) => {
        const each = { ...factsOf(ruled(file, labelRules), id), node: hostname() };
        return naively(query, each);
      });
      assert.deepEqual(
        found,
        slowly.map(([id]) => id),
        formatQuery(query),
      );
      const predicate = compilePredicate(query);
      const each = withRules ? facts.ofRules : facts.ofNone;
      const asked = [...byId.keys()].filter(id => {
        const record = catalog.files.get(id);
        return record !== undefined && predicate(each.of(record), { now: NOW, due: Infinity });
      });
      assert.deepEqual(asked, found, formatQuery(query));
    }),
    runs(400),
  );
});

const bare: SomeFile = {
  source: 'docs',
  folder: '',
  name: 'a',
  size: 1,
  mtimeUs: NOW * 1000,
  isLink: false,
  labels: [],
  properties: {},
};

test('only files that are there are found, in the order of their ids, and no more than asked for', t => {
  const catalog = temporaryCatalog(t);
  const ids = [
    ...putAll(
      catalog,
      ['a1', 'a2', 'b', 'a3'].map(name => ({ ...bare, name })),
    ).keys(),
  ];
  catalog.write(writer => writer.deleteFile(ids[0] ?? 0));
  assert.deepEqual(idsOf(catalog, 'a'), [ids[1], ids[3]]);
  assert.deepEqual(idsOf(catalog, 'a', { limit: 1 }), [ids[1]]);
  assert.deepEqual(idsOf(catalog, 'a', { limit: 0 }), []);
  assert.deepEqual(idsOf(catalog, 'source=docs path:* not b'), [ids[1], ids[3]]);
});

test('a source is found, be it large or small', t => {
  const catalog = temporaryCatalog(t);
  const folders = Array.from({ length: 40 }, (_, at) => ({ ...bare, source: 'media', folder: `f${at}` }));
  const [small = 0, ...large] = [...putAll(catalog, [bare, ...folders]).keys()];
  assert.deepEqual(idsOf(catalog, 'source=docs'), [small]);
  assert.deepEqual(idsOf(catalog, 'source!=docs'), large);
  assert.deepEqual(idsOf(catalog, 'source:m*'), large);
  assert.deepEqual(idsOf(catalog, 'source=gone'), []);
  assert.deepEqual(idsOf(catalog, 'not source=gone'), [small, ...large]);
});

test('searches can run at once, and one that was left does not disturb the others', t => {
  const catalog = temporaryCatalog(t);
  putAll(
    catalog,
    ['a1', 'a2', 'b1'].map(name => ({ ...bare, name })),
  );
  const [first, second] = [new Search(catalog.db), new Search(catalog.db)];
  const one = first.find(parseQuery('name~"^a"'));
  assert.equal(one.next().value?.name, 'a1');
  for (const file of second.find(parseQuery('name~"[12]"'))) if (file.name === 'a1') break;
  assert.deepEqual(
    [...second.find(parseQuery('name~"^b"'))].map(file => file.name),
    ['b1'],
  );
  assert.deepEqual(
    [...one].map(file => file.name),
    ['a2'],
  );
});

test('a query as long and as deep as one can be', t => {
  const catalog = temporaryCatalog(t);
  const [id = 0] = [...putAll(catalog, [{ ...bare, properties: { x: 'a' }, labels: ['l'] }]).keys()];
  assert.deepEqual(idsOf(catalog, `${'a '.repeat(4999)}a`), [id]);
  assert.deepEqual(idsOf(catalog, 'a or '.repeat(1999).concat('a')), [id]);
  assert.deepEqual(idsOf(catalog, 'x=a '.repeat(2499)), [id]);
  assert.deepEqual(idsOf(catalog, 'x=b or '.repeat(1400).concat('x=a')), [id]);
  assert.deepEqual(idsOf(catalog, 'label:l '.repeat(1249)), [id]);
  assert.deepEqual(idsOf(catalog, 'path:a '.repeat(1400)), [id]);
  assert.deepEqual(idsOf(catalog, `${'not ('.repeat(24)}x=a${')'.repeat(24)}`), [id]);
  assert.deepEqual(idsOf(catalog, `${'(a or not ('.repeat(16)}x=a${'))'.repeat(16)}`), [id]);
});

test('more label rules than one statement takes', t => {
  const catalog = temporaryCatalog(t);
  const [inside = 0, outside = 0] = [
    ...putAll(catalog, [
      { ...bare, folder: 'f399' },
      { ...bare, folder: 'g' },
    ]).keys(),
  ];
  const labelRules = Array.from({ length: 400 }, (_, at) => ({
    source: 'docs',
    prefix: `f${at}/`,
    labels: ['many'],
  }));
  assert.deepEqual(idsOf(catalog, 'label:many', { labelRules }), [inside]);
  assert.deepEqual(idsOf(catalog, 'not label:many', { labelRules }), [outside]);
});

test('facts are read when they are asked for, of the file that was turned to last', t => {
  const catalog = temporaryCatalog(t);
  const [one = 0, other = 0] = [
    ...putAll(catalog, [
      { ...bare, name: 'x.mkv', folder: 'f', labels: ['l'], properties: { title: 'T', tags: ['a', 1] } },
      { ...bare, name: 'y', mtimeUs: 1_999 },
    ]).keys(),
  ];
  const facts = new FileFacts(catalog.db, [{ source: 'docs', prefix: 'f/', labels: ['l', 'm'] }], 'here');
  const records = [one, other].map(id => catalog.files.get(id));
  assert.ok(records[0] && records[1]);
  facts.of(records[0]);
  assert.deepEqual([...facts.labels], ['l', 'm']);
  assert.deepEqual(facts.properties, { title: 'T', tags: ['a', 1] });
  assert.equal(facts.path, 'f/x.mkv');
  assert.equal(facts.node, 'here');
  facts.of(records[1]);
  assert.deepEqual([...facts.labels], []);
  assert.deepEqual(facts.properties, {});
  assert.deepEqual([facts.id, facts.path, facts.mtimeMs, facts.isLink], [other, 'y', 1, false]);
});
