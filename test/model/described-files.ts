/** A catalog and, beside it, what a test knows of it: files, folders and rules, without a database and without a tree. */
import assert from 'node:assert/strict';
import { mock, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { CatalogFolder } from '../../src/catalog/projector.js';
import type { CatalogWriter } from '../../src/catalog/writer.js';
import { checkDraft, rulesOf } from '../../src/rules/document.js';
import { attributes, FILE_MODE, LINK_MODE } from '../support/catalogs.js';
import { declare, type ExpectedTree, treeOf } from './arranged-files.js';
import {
  FOLDERS,
  LABELS,
  type ModelFile,
  mixed,
  NAMES,
  pathOf,
  placesOf,
  SOURCES,
  type SomeRules,
  someProperties,
  someRules,
  textOf,
} from './random-rules.js';

/** When every test begins: milliseconds since the epoch. */
export const BEGINNING = Date.UTC(2024, 5, 15);

/** Time stands still but for `setTime`, until the test is over. */
export function stopTime(context: TestContext): void {
  mock.timers.enable({ apis: ['Date'], now: BEGINNING });
  context.after(() => mock.timers.reset());
}

const place = { folder: fc.constantFrom(...FOLDERS), name: fc.constantFrom(...NAMES) };
const contents = {
  size: fc.nat(3),
  /** Before the beginning, in microseconds. */
  ageUs: fc
    .tuple(fc.constantFrom(0, 5_000, 9_999, 15_000, 20_000, 60_000), fc.constantFrom(0, 1, 999, 1_000))
    .map(([ms, us]) => ms * 1000 - us),
};
const labels = fc.uniqueArray(fc.constantFrom(...LABELS), { maxLength: 2 });
const which = { file: fc.nat(50) };

export const someAddition = fc.record({
  kind: fc.constant('add' as const),
  source: fc.constantFrom(...SOURCES),
  ...place,
  ...contents,
  isLink: fc.nat(5).map(value => value === 0),
});
export const someDescription = fc.record({
  kind: fc.constant('describe' as const),
  ...which,
  add: labels,
  remove: labels,
  properties: someProperties,
});
export const someOperation = fc.oneof(
  { weight: 7, arbitrary: someAddition },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('modify' as const), ...which, ...contents }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), ...which, ...place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), ...which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), ...which, ...contents }) },
  { weight: 4, arbitrary: someDescription },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('rules' as const), rules: someRules, keeps: fc.nat(15) }),
  },
);
export type Operation = typeof someOperation extends fc.Arbitrary<infer T> ? T : never;
type OperationOf<Kind> = Extract<Operation, { kind: Kind }>;

export interface Known {
  files: ReadonlyMap<number, ModelFile>;
  /** As `source/path`. */
  folders: ReadonlyMap<string, CatalogFolder>;
  rules: SomeRules;
}

export const nothing: Known = {
  files: new Map(),
  folders: new Map(),
  rules: { labels: [], directories: [] },
};

/** One transaction. `known` is what is known when all of it is done. */
export class Session {
  readonly #catalog: Catalog;
  readonly #writer: CatalogWriter;
  readonly known: { files: Map<number, ModelFile>; folders: Map<string, CatalogFolder>; rules: SomeRules };

  constructor(catalog: Catalog, writer: CatalogWriter, { files, folders, rules }: Known) {
    this.#catalog = catalog;
    this.#writer = writer;
    this.known = { files: new Map(files), folders: new Map(folders), rules };
  }

  run(step: Operation): void {
    if (step.kind === 'add') this.#add(step);
    else if (step.kind === 'rules') this.putRules(mixed(this.known.rules, step.keeps, step.rules));
    else {
      const candidates = [...this.known.files.values()].filter(
        ({ isDeleted }) => isDeleted === (step.kind === 'restore'),
      );
      const file = candidates[step.file % candidates.length];
      if (file) this.#change(step, file);
    }
  }

  putRules(rules: SomeRules): void {
    const text = textOf(rules);
    this.#writer.putRules(text, JSON.stringify(rulesOf(checkDraft('rules.yaml', text, SOURCES))));
    this.known.rules = rules;
  }

  #change(step: Exclude<Operation, { kind: 'add' | 'rules' }>, file: ModelFile): void {
    if (step.kind === 'modify') this.#modify(step, file);
    else if (step.kind === 'rename') this.#rename(step, file);
    else if (step.kind === 'restore') this.#add({ ...step, ...file, kind: 'add', ageUs: step.ageUs });
    else if (step.kind === 'describe') this.#describe(step, file);
    else {
      this.#writer.deleteFile(file.id);
      this.#set(file, { isDeleted: true });
    }
  }

  /** The folder is put, so that what comes can be written into it. */
  #folderOf(source: string, path: string): { id: number; path: string } {
    const folder = { source, path, mtimeUs: BEGINNING, mode: 0o040750 };
    this.known.folders.set(`${source}/${path}`, folder);
    const { id } = this.#writer.putFolder(
      this.#catalog.sources.get(source),
      path,
      folder.mtimeUs,
      folder.mode,
    );
    return { id, path };
  }

  #isTaken(at: Pick<ModelFile, 'source' | 'folder' | 'name'>): boolean {
    return [...this.known.files.values()].some(
      file => !file.isDeleted && file.source === at.source && pathOf(file) === pathOf(at),
    );
  }

  #add({ kind: _, source, folder, name, isLink, size, ageUs }: OperationOf<'add'>): void {
    if (this.#isTaken({ source, folder, name })) return;
    const file = { source, folder, name, isLink, size, mtimeUs: BEGINNING * 1000 - ageUs, isDeleted: false };
    const at = this.#folderOf(source, folder);
    const id = this.#writer.addFile(this.#catalog.sources.get(source), at, name, attributesOf(file));
    const before = this.known.files.get(id);
    if (before) {
      assert.deepEqual([before.isDeleted, before.source, pathOf(before)], [true, source, pathOf(file)]);
    }
    this.known.files.set(id, {
      labels: before?.labels ?? new Set(),
      properties: before?.properties ?? {},
      ...file,
      id,
    });
  }

  #modify({ size, ageUs }: OperationOf<'modify'>, file: ModelFile): void {
    const changed = { ...file, size, mtimeUs: BEGINNING * 1000 - ageUs };
    const known = { id: file.id, name: file.name, ...attributesOf(file) };
    const source = this.#catalog.sources.get(file.source);
    this.#writer.modifyFile(source, file.folder, known, attributesOf(changed));
    this.#set(file, changed);
  }

  #rename({ folder, name }: OperationOf<'rename'>, file: ModelFile): void {
    if (this.#isTaken({ ...file, folder, name })) return;
    const source = this.#catalog.sources.get(file.source);
    const at = this.#folderOf(file.source, folder);
    this.#writer.renameFile(source, at, name, file.id, pathOf(file), attributesOf(file));
    this.#set(file, { folder, name });
  }

  #describe({ add, remove, properties }: OperationOf<'describe'>, file: ModelFile): void {
    this.#writer.describeFile(file, { add, remove, properties });
    const kept = [...file.labels].filter(label => !remove.includes(label));
    const after = Object.entries({ ...file.properties, ...properties }).flatMap(([name, value]) =>
      value === null ? [] : [[name, value] as const],
    );
    this.#set(file, { labels: new Set([...kept, ...add].sort()), properties: Object.fromEntries(after) });
  }

  #set(file: ModelFile, changes: Partial<ModelFile>): void {
    this.known.files.set(file.id, { ...file, ...changes });
  }
}

function attributesOf({ size, mtimeUs, isLink }: Pick<ModelFile, 'size' | 'mtimeUs' | 'isLink'>) {
  return attributes({ size, mtimeUs, ...(isLink ? { mode: LINK_MODE, target: 'x' } : { mode: FILE_MODE }) });
}

/** What the tree has to be now. */
export function treeOfKnown({ files, folders, rules }: Known, now: number): ExpectedTree {
  const present = [...files.values()].filter(({ isDeleted }) => !isDeleted);
  const directories: ExpectedTree['directories'] = new Map();
  if (rules.directories.length === 0) {
    for (const folder of folders.values()) declare(directories, directoryOf(folder), folder);
    const wishes = present.map(file => {
      return { file, directory: directoryOf({ ...file, path: file.folder }), name: file.name, newest: false };
    });
    return treeOf(wishes, directories);
  }
  for (const { path } of rules.directories) declare(directories, path, undefined);
  const wishes = present.flatMap(file =>
    placesOf(rules, file, now).map(({ path, newest }) => {
      const [name = '', ...above] = path.split('/').reverse();
      return { file, directory: above.reverse().join('/'), name, newest };
    }),
  );
  return treeOf(wishes, directories);
}

function directoryOf({ source, path }: { source: string; path: string }): string {
  return path === '' ? source : `${source}/${path}`;
}
