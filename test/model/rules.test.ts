/**
 * Random transactions under random rules, which change as well, while time passes: after each of them the tree is what
 * the rules in force say of the files that are there now, whatever came before and whoever wrote it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import type { Catalog } from '../../src/catalog/catalog.js';
import { EntryType } from '../../src/catalog/projector.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { type Node, Tree } from '../../src/tree/tree.js';
import { TreeChangeReader } from '../../src/tree/tree-changes.js';
import { contentsOf, putSource } from '../support/catalogs.js';
import { runs } from '../support/random.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { assertSound, readTree } from '../support/tree-contents.js';
import {
  BEGINNING,
  type Known,
  nothing,
  type Operation,
  Session,
  someAddition,
  someDescription,
  someOperation,
  stopTime,
  treeOfKnown,
} from './described-files.js';
import { pathOf, SOURCES, type SomeRules, someRules } from './random-rules.js';

const someStep = fc.record({
  operations: fc.array(someOperation, { minLength: 1, maxLength: 5 }),
  connection: fc.nat(1),
  end: fc.oneof(
    { weight: 8, arbitrary: fc.constant('commit' as const) },
    { weight: 1, arbitrary: fc.constant('throw' as const) },
    { weight: 1, arbitrary: fc.constant('preview' as const) },
  ),
  /** Milliseconds that pass before, and whether somebody looks then whose time has come. */
  passed: fc.constantFrom(0, 0, 0, 1, 4_999, 5_000, 10_000, 20_000),
});
type Step = typeof someStep extends fc.Arbitrary<infer T> ? T : never;

const undone = new Error('undone');

/** Returns what is known afterwards. */
function run(catalog: Catalog, { operations, end }: Step, known: Known): Known {
  let after = known;
  const all = (writer: Parameters<Parameters<Catalog['write']>[0]>[0]) => {
    const session = new Session(catalog, writer, known);
    for (const step of operations) session.run(step);
    after = session.known;
    if (end === 'throw') throw undone;
  };
  if (end === 'commit') {
    catalog.write(all);
    return after;
  }
  const before = contentsOf(catalog.db);
  if (end === 'throw')
    assert.throws(
      () => catalog.write(all),
      error => error === undone,
    );
  else catalog.preview(all, () => assertAsKnown(catalog, after));
  assert.deepEqual(contentsOf(catalog.db), before);
  return known;
}

function assertAsKnown(catalog: Catalog, known: Known): Map<string, Node> {
  assertSound(catalog.db);
  const expected = treeOfKnown(known, Date.now());
  const tree = readTree(catalog.db);
  const shown = [...tree].filter(([, node]) => node.type !== EntryType.directory);
  assert.deepEqual(
    Object.fromEntries(shown.map(([path, node]) => [path, node.ino])),
    Object.fromEntries([...expected.files].sort()),
  );
  assert.deepEqual(hiddenIn(catalog), expected.hidden);
  const directories = [...tree].filter(([, node]) => node.type === EntryType.directory);
  assert.deepEqual(directories.map(([path]) => path).sort(), [...expected.directories.keys()].sort());
  for (const [path, { mode, mtimeUs }] of directories) {
    const folder = expected.directories.get(path);
    if (folder) assert.deepEqual({ mode, mtimeUs }, { mode: folder.mode, mtimeUs: folder.mtimeUs }, path);
    else assert.equal(mode, 0o040755, path);
  }
  return tree;
}

function hiddenIn({ db }: Catalog): string[] {
  const tree = new Tree(db);
  const rows = db.prepare<[], { parent: number; wanted: string; ino: number }>('SELECT * FROM hidden').all();
  return rows
    .map(({ parent, wanted, ino }) => `${ino} ${`${tree.directoryPath(parent)}/${wanted}`.slice(1)}`)
    .sort();
}

/** Whoever remembers the tree as it was is told of everything in it that is not so any more. */
function assertTold(
  catalog: Catalog,
  since: number,
  before: Map<string, Node>,
  after: Map<string, Node>,
): void {
  const changes = new TreeChangeReader(catalog.db).after(since, 1_000_000);
  if (changes === undefined) return;
  const told = new Set(changes.flatMap(({ parent, name }) => [`${parent}/`, `${parent}/${name ?? ''}`]));
  const inoOf = (tree: Map<string, Node>, path: string) =>
    path === '' ? 1 : tree.get(path)?.type === EntryType.directory ? tree.get(path)?.ino : undefined;
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const slash = path.lastIndexOf('/');
    const [above, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
    const parent = inoOf(before, above);
    if (parent === undefined || inoOf(after, above) !== parent) continue;
    const [was, is] = [before.get(path), after.get(path)];
    if (was && is && was.ino === is.ino) {
      if (was.type === EntryType.directory) assert.ok(was.mode === is.mode || told.has(`${was.ino}/`), path);
      else if (JSON.stringify(was) !== JSON.stringify(is)) assert.ok(told.has(`${parent}/${name}`), path);
    } else assert.ok(told.has(was ? `${parent}/${name}` : `${parent}/`), `nobody was told of ${path}`);
  }
}

function assertSameDirectories(before: Map<string, Node>, after: Map<string, Node>): void {
  for (const [path, { type, ino }] of before) {
    const now = after.get(path);
    if (type === EntryType.directory && now?.type === type) assert.equal(now.ino, ino, path);
  }
}

function inCatalogs(body: (catalogs: [Catalog, Catalog]) => void): void {
  const folder = makeFolder();
  const [one, other] = [1, 2].map(() => openCatalog(join(folder, 'catalog.db')));
  if (!one || !other) throw new Error('no catalog');
  try {
    for (const name of SOURCES) putSource(one, name);
    mock.timers.setTime(BEGINNING);
    body([one, other]);
  } finally {
    for (const catalog of [one, other]) catalog.close();
    removeFolder(folder);
  }
}

test('after every step the tree is what the rules say', context => {
  stopTime(context);
  fc.assert(
    fc.property(fc.array(someStep, { minLength: 1, maxLength: 14 }), steps =>
      inCatalogs(catalogs => {
        let known = nothing;
        let tree = new Map<string, Node>();
        for (const step of steps) {
          const catalog = catalogs[step.connection] ?? assert.fail();
          mock.timers.setTime(Date.now() + step.passed);
          if (step.passed > 0) {
            catalog.revisit();
            tree = assertAsKnown(catalog, known);
          }
          const since = new TreeChangeReader(catalog.db).lastSeq();
          known = run(catalog, step, known);
          const after = assertAsKnown(catalog, known);
          assertSameDirectories(tree, after);
          assertTold(catalog, since, tree, after);
          tree = after;
        }
      }),
    ),
    { ...runs(120), includeErrorInReport: true },
  );
});

/** The tree, with files by their origins instead of their numbers. */
function originsIn(catalog: Catalog, { files }: Known): Record<string, string> {
  const nodes = [...readTree(catalog.db)].map(([path, { ino }]) => {
    const file = files.get(ino);
    return [path, file ? `${file.source}:${pathOf(file)}` : 'a directory'];
  });
  return Object.fromEntries(nodes);
}

interface Past {
  additions: Extract<Operation, { kind: 'add' }>[];
  descriptions: Extract<Operation, { kind: 'describe' }>[];
  rules: SomeRules;
  others: SomeRules;
  passed: number;
}

/** Two transactions or more; each of them is run by the other connection. */
type Transactions = (Operation[] | 'time passes')[];

/** The number of a file decides who keeps a name: it is taken when the file is seen first, and kept from then on. */
const WAYS: readonly ((past: Past) => Transactions)[] = [
  ({ rules, additions, descriptions }) => [
    [toRules(rules)],
    ...additions.map(each => [each]),
    ...descriptions.map(each => [each]),
    'time passes',
  ],
  ({ rules, others, additions, descriptions }) => [
    [...additions, toRules(others)],
    'time passes',
    descriptions.toReversed(),
    [toRules(rules)],
  ],
  ({ rules, others, additions, descriptions }) => [
    'time passes',
    [...additions, ...descriptions, toRules(others)],
    ...additions.map(({ size }): Operation[] => [{ kind: 'delete', file: size }]),
    [toRules(rules)],
    ...additions.toReversed().map(each => [each]),
  ],
  ({ rules, others, additions, descriptions }) => [
    [toRules(others), ...additions.map(each => ({ ...each, size: 7, ageUs: 7 }))],
    [toRules(rules), ...descriptions],
    [
      ...additions.map(({ size, ageUs }, file): Operation => ({ kind: 'modify', file, size, ageUs })),
    ].reverse(),
    'time passes',
  ],
];

function toRules(rules: SomeRules): Operation {
  return { kind: 'rules', rules, keeps: 0 };
}

function outcome(transactions: Transactions, passed: number): Record<string, string> {
  let outcome: Record<string, string> = {};
  inCatalogs(catalogs => {
    let known = nothing;
    for (const [nth, operations] of transactions.entries()) {
      const catalog = catalogs[nth % 2] ?? assert.fail();
      if (operations === 'time passes') {
        mock.timers.setTime(BEGINNING + passed);
        catalog.revisit();
      } else known = run(catalog, { operations, end: 'commit', connection: 0, passed: 0 }, known);
    }
    assertAsKnown(catalogs[0], known);
    outcome = originsIn(catalogs[0], known);
  });
  return outcome;
}

test('what was done in which order leaves no trace in the tree', context => {
  stopTime(context);
  const past = fc.record({
    additions: fc.uniqueArray(someAddition, {
      minLength: 1,
      maxLength: 12,
      selector: ({ source, folder, name }) => `${source}:${folder}/${name}`,
    }),
    descriptions: fc.uniqueArray(someDescription, { maxLength: 8, selector: ({ file }) => file % 12 }),
    rules: someRules,
    others: someRules,
    passed: fc.constantFrom(1, 5_000, 20_000),
  });
  const check = (each: Past) => {
    const descriptions = each.descriptions.filter(({ file }) => file < each.additions.length);
    const outcomes = WAYS.map(way => outcome(way({ ...each, descriptions }), each.passed));
    for (const other of outcomes) assert.deepEqual(other, outcomes[0]);
  };
  fc.assert(fc.property(past, check), { ...runs(30), includeErrorInReport: true });
});
