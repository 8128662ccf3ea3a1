/**
 * Random transactions, straight on the writers of two connections, under random arrangements: after each of them the tree
 * is what its rules say of the files that are there, whatever came before.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { KnownFile } from '../../src/catalog/files.js';
import type { CatalogFile, CatalogFolder } from '../../src/catalog/projector.js';
import type { SourceRecord } from '../../src/catalog/sources.js';
import type { CatalogWriter, WrittenFolder } from '../../src/catalog/writer.js';
import { type Arrangement, defaultArrangement, type Placement } from '../../src/tree/arrangement.js';
import { attributes, FILE_MODE, LINK_MODE, openCatalog, putSource } from '../support/catalogs.js';
import { runs, seededPicks } from '../support/random.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { assertSound, readTree } from '../support/tree-contents.js';
import { expectedTree } from './arranged-files.js';

const SOURCES = ['docs', 'films'];
const FOLDERS = ['', 'x', 'x/y', 'd'];
/** Names of files, of directories, and those that displaced files get. */
const NAMES = ['a', 'b', 'x', 'd', 'a (docs)', 'a (docs 2)'];
const DIRECTORIES = ['', 'a', 'd', 'd/e', 'docs', 'docs/x'];

const place = {
  source: fc.nat(SOURCES.length - 1),
  folder: fc.nat(FOLDERS.length - 1),
  name: fc.nat(NAMES.length - 1),
};
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), ...place, link: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), file: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename' as const), file: fc.nat(50), ...place }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('exchange' as const), file: fc.nat(50), other: fc.nat(50) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('modify' as const), file: fc.nat(50), link: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('folder' as const), ...place, mtimeUs: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove folder' as const), ...place }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type ChangeOfFile = Extract<Operation, { file: number }>;

const transaction = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
  connection: fc.nat(1),
  throws: fc.integer({ min: 0, max: 7 }).map(value => value === 0),
});

/** A file's places, picked by its number and its own place: the same each time it is asked. */
function arrangementOf(salt: number): Arrangement {
  if (salt === 0) return defaultArrangement;
  const picksFor = (text: string) =>
    seededPicks([...text].reduce((sum, char) => sum * 31 + char.charCodeAt(0), salt));
  return {
    declared: [],
    showsFolders: true,
    placements({ id, source, folderPath, name }: CatalogFile): Placement[] {
      const pick = picksFor(`${id} ${source} ${folderPath} ${name}`);
      return Array.from({ length: pick(4) }, () => ({
        directory: DIRECTORIES[pick(DIRECTORIES.length)] ?? '',
        name: [name, ...NAMES][pick(3)] ?? name,
        newest: false,
      }));
    },
    directory({ source, path }: CatalogFolder): string | undefined {
      const shown = picksFor(`${source} ${path}`)(3) > 0;
      return shown ? `${source}/${path}`.replace(/\/$/, '') : undefined;
    },
  };
}

interface WritePlace {
  source: SourceRecord;
  folder: WrittenFolder;
  name: string;
}

interface PresentFile extends KnownFile, WritePlace {}

function filesOf(catalog: Catalog): PresentFile[] {
  const files = catalog.sources
    .all()
    .flatMap(source =>
      [...catalog.files.foldersOf(source.id)].flatMap(folder =>
        catalog.files.inFolder(folder.id).map(file => ({ ...file, source, folder })),
      ),
    );
  return files.sort((one, other) => one.id - other.id);
}

function foldersOf({ db }: Catalog): CatalogFolder[] {
  return db
    .prepare<[], CatalogFolder>(
      `SELECT s.name AS source, d.path, d.mtime_us AS mtimeUs, d.mode FROM folders d JOIN sources s ON s.id = d.source_id
       WHERE d.deleted_at IS NULL`,
    )
    .all();
}

/** One transaction. Knows what it has written itself: that can still be on its way to the tables. */
class Session {
  readonly #catalog: Catalog;
  readonly #writer: CatalogWriter;
  #files: PresentFile[];

  constructor(catalog: Catalog, writer: CatalogWriter) {
    this.#catalog = catalog;
    this.#writer = writer;
    this.#files = filesOf(catalog);
  }

  run(step: Operation): void {
    if (step.kind === 'add') this.#add(this.#placeOf(step), step.link);
    else if (step.kind === 'folder') this.#placeOf(step);
    else if (step.kind === 'remove folder') this.#removeFolder(step);
    else this.#change(step, this.#files[step.file % this.#files.length]);
  }

  #change(step: ChangeOfFile, file: PresentFile | undefined): void {
    if (!file) return;
    if (step.kind === 'delete') this.#delete(file);
    else if (step.kind === 'modify') this.#modify(file, step.link);
    else if (step.kind === 'rename') this.#rename(file, this.#placeOf(step));
    else this.#exchange(file, this.#files[step.other % this.#files.length] ?? file);
  }

  /** The folder is put, so that what comes can be written into it. */
  #placeOf(step: { source: number; folder: number; name: number; mtimeUs?: number }): WritePlace {
    const source = this.#sourceOf(step);
    const path = FOLDERS[step.folder] ?? '';
    const known = this.#catalog.files.folder(source.id, path);
    const mtimeUs = step.mtimeUs ?? (known?.deletedAt === null ? known.mtimeUs : 1);
    const { id } = this.#writer.putFolder(source, path, mtimeUs, 0o040750);
    return { source, folder: { id, path }, name: NAMES[step.name] ?? '' };
  }

  #sourceOf(step: { source: number }): SourceRecord {
    return this.#catalog.sources.get(SOURCES[step.source] ?? '');
  }

  #isTaken({ folder, name }: WritePlace): boolean {
    return this.#files.some(file => file.folder.id === folder.id && file.name === name);
  }

  #add(at: WritePlace, link: boolean): void {
    if (this.#isTaken(at)) return;
    const id = this.#writer.addFile(at.source, at.folder, at.name, attributesOf(link));
    this.#files.push({ id, ...attributesOf(link), ...at });
  }

  #rename(file: PresentFile, at: WritePlace): void {
    if (file.source.id !== at.source.id || this.#isTaken(at)) return;
    this.#move(file, at);
  }

  #exchange(one: PresentFile, other: PresentFile): void {
    if (one.id === other.id || one.source.id !== other.source.id) return;
    const [here, there] = [{ ...one }, { ...other }];
    this.#move(one, there);
    this.#move(other, here);
  }

  #move(file: PresentFile, { source, folder, name }: WritePlace): void {
    this.#writer.renameFile(source, folder, name, file.id, file.name, file);
    Object.assign(file, { folder, name });
  }

  #modify(file: PresentFile, link: boolean): void {
    const changed = { ...attributesOf(link), size: file.size + 1 };
    this.#writer.modifyFile(file.source, file.folder.path, file, changed);
    Object.assign(file, changed);
  }

  #delete(file: PresentFile): void {
    this.#writer.deleteFile(file.id);
    this.#files = this.#files.filter(each => each !== file);
  }

  #removeFolder(step: { source: number; folder: number }): void {
    const source = this.#sourceOf(step);
    const path = FOLDERS[step.folder] ?? '';
    const folder = this.#catalog.files.folder(source.id, path);
    if (!folder || folder.deletedAt !== null) return;
    for (const file of this.#files.filter(each => each.folder.id === folder.id)) this.#delete(file);
    this.#writer.removeFolder(source, { id: folder.id, path });
  }
}

function attributesOf(link: boolean) {
  return attributes(link ? { mode: LINK_MODE, target: 'x' } : { mode: FILE_MODE });
}

const undone = new Error('undone');

function runTransaction(catalog: Catalog, operations: readonly Operation[], throws: boolean): void {
  const run = () =>
    catalog.write(writer => {
      const session = new Session(catalog, writer);
      for (const step of operations) session.run(step);
      if (throws) throw undone;
    });
  if (throws) assert.throws(run, error => error === undone);
  else run();
}

function assertAsExpected(catalog: Catalog, arrangement: Arrangement): void {
  assertSound(catalog.db);
  const files = filesOf(catalog).map(({ id, source, folder, name, mode, size, mtimeUs }) => ({
    ...{ id, source: source.name, folderPath: folder.path, name, mode, size, mtimeUs },
  }));
  const expected = expectedTree(arrangement, files, foldersOf(catalog));
  const tree = [...readTree(catalog.db)];
  const shown = tree.filter(([, node]) => node.type !== 4).map(([path, node]) => [path, node.ino]);
  assert.deepEqual(Object.fromEntries(shown), Object.fromEntries(expected.files));
  const directories = tree.filter(([, node]) => node.type === 4);
  assert.deepEqual(directories.map(([path]) => path).sort(), [...expected.directories.keys()].sort());
  for (const [path, { mode, mtimeUs }] of directories) {
    const folder = expected.directories.get(path);
    if (folder) assert.deepEqual({ mode, mtimeUs }, { mode: folder.mode, mtimeUs: folder.mtimeUs }, path);
  }
}

test('after every transaction the tree is what its arrangement says', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000),
      fc.array(transaction, { minLength: 1, maxLength: 15 }),
      (salt, transactions) => {
        const folder = makeFolder();
        const arrangement = arrangementOf(salt % 5 === 0 ? 0 : salt);
        const catalogs = [1, 2].map(() => openCatalog(join(folder, 'catalog.db'), arrangement));
        try {
          for (const name of SOURCES) if (catalogs[0]) putSource(catalogs[0], name);
          for (const { operations, connection, throws } of transactions) {
            const catalog = catalogs[connection] ?? assert.fail();
            runTransaction(catalog, operations, throws);
            assertAsExpected(catalog, arrangement);
          }
        } finally {
          for (const catalog of catalogs) catalog.close();
          removeFolder(folder);
        }
      },
    ),
    runs(200),
  );
});
