/** Files that were renamed at a remote source keep their identity where their versions say for certain who they are. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { allFiles } from '../../src/catalog/files.js';
import { scan } from '../../src/indexing/scan.js';
import type { ScanOptions } from '../../src/indexing/scanning.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { changesOf, labelsOf } from '../support/catalogs.js';
import { goodManners, type Manners, serveFolder, startServer } from '../support/file-server.js';
import { runs } from '../support/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A web server with a folder that the test changes, and a catalog of it. */
async function site(context: TestContext, manners: Partial<Manners> = {}) {
  const base = temporaryFolder(context);
  const folder = join(base, 'www');
  mkdirSync(folder);
  const { url } = await startServer(context, serveFolder(folder, { ...goodManners, ...manners }));
  const catalog = openCatalog(join(base, 'catalog.db'));
  context.after(() => catalog.close());
  const source = catalog.sources.add('web', `${url}/`, { include: [], exclude: [], follow: false });
  return {
    catalog,
    folder,
    write: (path: string, contents: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), contents);
    },
    move: (from: string, to: string) => {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      renameSync(join(folder, from), join(folder, to));
    },
    remove: (path: string) => rmSync(join(folder, path)),
    scanned: (options: ScanOptions = {}) => scan(catalog, source, { allowShrink: true, ...options }),
    /** Path → id. */
    ids: () =>
      new Map(
        [...allFiles(catalog.db)].map(({ id, folderPath, name }) => [
          folderPath === '' ? name : `${folderPath}/${name}`,
          id,
        ]),
      ),
  };
}

test('a renamed file keeps its id, its labels and its properties, and it is one change', async t => {
  const { catalog, write, move, scanned, ids } = await site(t);
  for (const name of ['a', 'b', 'c']) write(`films/${name}`, `contents of ${name}`);
  await scanned();
  const id = ids().get('films/a') ?? assert.fail();
  catalog.write(writer => writer.describeFile({ id }, { add: ['seen'], properties: { title: 'A' } }));
  const before = changesOf(catalog).length;
  move('films/a', 'films/old/z');
  const renames: unknown[] = [];
  const { added, renamed, deleted, unchanged } = await scanned({ onRenamed: each => renames.push(each) });
  assert.deepEqual(
    { added, renamed, deleted, unchanged },
    { added: 0, renamed: 1, deleted: 0, unchanged: 2 },
  );
  assert.equal(ids().get('films/old/z'), id);
  assert.deepEqual(renames, [
    { from: 'films/a', to: 'films/old/z', version: catalog.files.get(id)?.version },
  ]);
  assert.equal(changesOf(catalog).length, before + 1);
  assert.deepEqual(labelsOf(catalog, id), ['seen']);
});

for (const tags of ['weak', 'none'] as const) {
  test(`where entity tags are ${tags}, a file at another path is another file`, async t => {
    const { write, move, scanned, ids } = await site(t, { tags });
    for (const name of ['a', 'b', 'c']) write(name, `contents of ${name}`);
    await scanned();
    const before = ids().get('a');
    move('a', 'z');
    const { added, renamed, deleted } = await scanned();
    assert.deepEqual({ added, renamed, deleted }, { added: 1, renamed: 0, deleted: 1 });
    assert.notEqual(ids().get('z'), before);
  });
}

test('a scan that stops because most files are gone has lost none that came', async t => {
  const { write, move, remove, scanned, ids } = await site(t);
  for (let nth = 0; nth < 120; nth++) write(`f${nth}`, `contents of ${nth}`);
  await scanned();
  const known = ids().get('f0');
  move('f0', 'moved');
  write('new', 'contents of 1');
  for (let nth = 2; nth < 100; nth++) remove(`f${nth}`);
  await assert.rejects(scanned({ allowShrink: false }), { code: 'failed', message: /98 of the 120 files/ });
  assert.equal(ids().get('moved'), known);
  assert.ok(ids().has('new'));
  assert.equal(ids().size, 121);
});

const PATHS = ['a', 'b', 'c', 'd/a', 'd/b', 'e/f/a'];

test('whatever happens between scans, who is renamed is who is the only one', async t => {
  const { write, move, remove, scanned, ids } = await site(t);
  const step = fc.record({
    kind: fc.constantFrom('write' as const, 'move' as const, 'move' as const, 'remove' as const),
    at: fc.constantFrom(...PATHS),
    to: fc.constantFrom(...PATHS),
    contents: fc.constantFrom('', 'one', 'two', 'three', 'four'),
  });
  const there = new Map<string, string>();
  const act = ({ kind, at, to, contents }: typeof step extends fc.Arbitrary<infer T> ? T : never) => {
    const before = there.get(at);
    if (kind === 'write') {
      write(at, contents);
      there.set(at, contents);
    } else if (before !== undefined && at !== to) {
      if (kind === 'move') {
        move(at, to);
        there.set(to, before);
      } else remove(at);
      there.delete(at);
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async steps => {
      await scanned();
      const [before, known] = [new Map(there), ids()];
      steps.forEach(act);
      await scanned();
      const gone = [...before].filter(([path]) => !there.has(path));
      const come = [...there].filter(([path]) => !before.has(path));
      const now = ids();
      assert.deepEqual([...now.keys()].sort(), [...there.keys()].sort());
      for (const path of there.keys())
        if (before.has(path)) assert.equal(now.get(path), known.get(path), path);
      for (const [path, contents] of come) {
        const [old, ...others] = gone.filter(each => each[1] === contents);
        const twins = come.filter(each => each[1] === contents).length;
        const isRename = old !== undefined && others.length === 0 && twins === 1 && contents !== '';
        const kept = [...known].find(([, id]) => id === now.get(path))?.[0];
        assert.equal(kept, isRename ? old[0] : undefined, path);
      }
    }),
    runs(60),
  );
});
