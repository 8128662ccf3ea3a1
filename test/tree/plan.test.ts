/** A plan tells what applying would change, all of it and nothing else, and changes nothing itself. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { allFiles } from '../../src/catalog/files.js';
import type { CatalogWriter } from '../../src/catalog/writer.js';
import { rulesOf } from '../../src/rules/document.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { Plan, type PlannedChange, type PlanTotals } from '../../src/tree/plan.js';
import { Tree } from '../../src/tree/tree.js';
import {
  BEGINNING,
  type Known,
  nothing,
  Session,
  someOperation,
  stopTime,
} from '../model/described-files.js';
import { mixed, SOURCES, someRules } from '../model/random-rules.js';
import { contentsOf, putSource } from '../support/catalogs.js';
import { runs } from '../support/random.js';
import { documentOf, Ruled } from '../support/ruled.js';
import { makeFolder, removeFolder } from '../support/temporary-folder.js';
import { readTree } from '../support/tree-contents.js';

type Catalog = ReturnType<typeof openCatalog>;

function planOf(
  catalog: Catalog,
  change: (writer: CatalogWriter) => void,
): { changes: PlannedChange[]; totals: PlanTotals } {
  const before = contentsOf(catalog.db);
  const plan = new Plan(catalog, change);
  try {
    assert.deepEqual(contentsOf(catalog.db), before);
    const changes = [...plan.changes()].map(each => {
      const told = Object.entries(each).filter(([, value]) => value !== null);
      return Object.fromEntries(told) as PlannedChange;
    });
    return { changes, totals: plan.totals };
  } finally {
    plan.close();
  }
}

/** Every path of every file, as `/path id`. */
function placesIn({ db }: Catalog): Set<string> {
  const files = [...readTree(db)].filter(([, { type }]) => type !== 4);
  return new Set(files.map(([path, { ino }]) => `/${path} ${ino}`));
}

/** Files that do not have the path they ask for, as that path with the file's id. */
function collisionsIn({ db }: Catalog): { displaced: Set<string>; hidden: Set<string> } {
  const tree = new Tree(db);
  const read = (sql: string) =>
    new Set(
      db
        .prepare<[], { parent: number; wanted: string; ino: number }>(sql)
        .all()
        .map(({ parent, wanted, ino }) => `${tree.directoryPath(parent)}/${wanted} ${ino}`),
    );
  return {
    displaced: read('SELECT parent, wanted, ino FROM entries WHERE wanted IS NOT NULL'),
    hidden: read('SELECT parent, wanted, ino FROM hidden'),
  };
}

const sorted = (set: Iterable<string>) => [...set].sort();
const without = (all: ReadonlySet<string>, some: ReadonlySet<string>) =>
  sorted([...all].filter(each => !some.has(each)));

/** Applies what was planned, and compares. */
function assertAsPlanned(
  catalog: Catalog,
  { changes, totals }: ReturnType<typeof planOf>,
  apply: () => void,
): void {
  const [before, collisions] = [placesIn(catalog), collisionsIn(catalog)];
  apply();
  const [after, later] = [placesIn(catalog), collisionsIn(catalog)];
  const come = changes.flatMap(each =>
    each.change === 'added' || each.change === 'moved' ? [`${each.path} ${each.id}`] : [],
  );
  const gone = changes.flatMap(each => {
    if (each.change === 'moved') return [`${each.from} ${each.id}`];
    return each.change === 'removed' ? [`${each.path} ${each.id}`] : [];
  });
  assert.deepEqual(come.sort(), without(after, before));
  assert.deepEqual(gone.sort(), without(before, after));
  const told = (kind: 'displaced' | 'hidden') =>
    changes.flatMap(each => (each.change === kind ? [`${each.wanted} ${each.id}`] : [])).sort();
  assert.deepEqual(told('displaced'), without(later.displaced, collisions.displaced));
  assert.deepEqual(told('hidden'), without(later.hidden, collisions.hidden));
  const count = (...kinds: string[]) => changes.filter(({ change }) => kinds.includes(change)).length;
  const nowhere = [...allFiles(catalog.db)].filter(({ id }) => new Tree(catalog.db).pathsOf(id).length === 0);
  assert.deepEqual(totals, {
    added: count('added'),
    removed: count('removed'),
    moved: count('moved'),
    collisions: count('displaced', 'hidden'),
    nowhere: nowhere.length,
  });
}

test('a plan is the difference between the trees before and after', context => {
  stopTime(context);
  const scenario = fc.record({
    operations: fc.array(someOperation, { minLength: 1, maxLength: 25 }),
    changes: fc.array(fc.record({ rules: someRules, keeps: fc.nat(15) }), { minLength: 1, maxLength: 4 }),
    passed: fc.constantFrom(0, 0, 10_000),
  });
  const check = ({
    operations,
    changes,
    passed,
  }: typeof scenario extends fc.Arbitrary<infer T> ? T : never) => {
    const folder = makeFolder();
    const catalog = openCatalog(join(folder, 'catalog.db'));
    try {
      for (const name of SOURCES) putSource(catalog, name);
      mock.timers.setTime(BEGINNING);
      let known: Known = nothing;
      const change = (work: (session: Session) => void) => (writer: CatalogWriter) => {
        const session = new Session(catalog, writer, known);
        work(session);
        return session.known;
      };
      known = catalog.write(
        change(session => {
          for (const each of operations) session.run(each);
        }),
      );
      mock.timers.setTime(BEGINNING + passed);
      for (const { rules, keeps } of changes) {
        const apply = change(session => session.putRules(mixed(known.rules, keeps, rules)));
        const plan = planOf(catalog, apply);
        assertAsPlanned(catalog, plan, () => {
          known = catalog.write(apply);
        });
      }
    } finally {
      catalog.close();
      removeFolder(folder);
    }
  };
  fc.assert(fc.property(scenario, check), { ...runs(60), includeErrorInReport: true });
});

/** What applying these rules would change: `+ path`, `- path`, `from > path`, `! wanted`, and the number of files nowhere. */
function planned(ruled: Ruled, text: string): string[] {
  const document = documentOf(text);
  const rules = JSON.stringify(rulesOf(ruled.draft(document)));
  const { changes, totals } = planOf(ruled.catalog, writer => writer.putRules(document, rules));
  const lines = changes.map(each => {
    if ('wanted' in each) return `! ${each.wanted}`;
    if ('from' in each) return `${each.from} > ${each.path}`;
    return `${each.change === 'added' ? '+' : '-'} ${each.path}`;
  });
  return [...lines.sort(), `${totals.nowhere}`];
}

function withFiles(context: TestContext): Ruled {
  return new Ruled(context, ['docs:a.txt', 'docs:x/b.txt', 'films:a.txt']);
}

test('from the default arrangement to rules and back', t => {
  const ruled = withFiles(t);
  const rules = '  - {path: /Docs, from: docs}';
  assert.deepEqual(planned(ruled, rules), [
    '- /films/a.txt',
    '/docs/a.txt > /Docs/a.txt',
    '/docs/x/b.txt > /Docs/x/b.txt',
    '1',
  ]);
  ruled.apply(rules);
  assert.deepEqual(planned(ruled, rules), ['1']);
  assert.deepEqual(planned(ruled, 'version: 1\n'), [
    '+ /films/a.txt',
    '/Docs/a.txt > /docs/a.txt',
    '/Docs/x/b.txt > /docs/x/b.txt',
    '0',
  ]);
});

test('rules that give the tree that is there change nothing', t => {
  const ruled = withFiles(t);
  const rules = '  - {path: /, place: "{source}/{path}"}';
  assert.deepEqual(planned(ruled, rules), ['0']);
  ruled.apply(rules);
  assert.deepEqual(planned(ruled, `${rules} # the same`), ['0']);
});

test('new collisions are told, those that are there already are not', t => {
  const ruled = withFiles(t);
  assert.deepEqual(planned(ruled, '  - {path: /All, place: flat}'), [
    '! /All/a.txt',
    '/docs/a.txt > /All/a.txt',
    '/docs/x/b.txt > /All/b.txt',
    '/films/a.txt > /All/a (films).txt',
    '0',
  ]);
  ruled.apply('  - {path: /All, place: flat}');
  assert.deepEqual(planned(ruled, '  - {path: /All, place: flat}\n  - {path: /More, from: docs}'), [
    '+ /More/a.txt',
    '+ /More/x/b.txt',
    '0',
  ]);
  assert.deepEqual(planned(ruled, '  - {path: /All, place: flat, collide: newest}'), [
    '! /All/a.txt',
    '- /All/a (films).txt',
    '1',
  ]);
});

test('a file that is displaced already, and would be again under another name, is no new collision', t => {
  const ruled = withFiles(t).apply('  - {path: /, place: flat}');
  assert.equal(ruled.files()['a (films).txt'], 'films:a.txt');
  const directory = '  - {path: "/a (films).txt", mounts: []}';
  assert.deepEqual(planned(ruled, `  - {path: /, place: flat}\n${directory}`), [
    '/a (films).txt > /a (films 2).txt',
    '0',
  ]);
});

test('of a file with several places each is told', t => {
  const ruled = withFiles(t).apply('  - {path: /A, from: docs}\n  - {path: /B, from: docs, place: flat}');
  assert.deepEqual(planned(ruled, '  - {path: /A, from: docs}\n  - {path: /C, from: docs, place: flat}'), [
    '/B/a.txt > /C/a.txt',
    '/B/b.txt > /C/b.txt',
    '1',
  ]);
});

test('a plan is in the order of its paths', t => {
  const ruled = withFiles(t);
  const rules = JSON.stringify(rulesOf(ruled.draft(documentOf('  - {path: /All, place: flat}'))));
  const paths = planOf(ruled.catalog, writer => writer.putRules('', rules)).changes.map(each =>
    each.change === 'hidden' ? each.wanted : each.path,
  );
  assert.deepEqual(paths, paths.toSorted());
});

test('a number that a plan gave to a directory is given again', t => {
  const ruled = withFiles(t);
  const counter = () =>
    ruled.catalog.db.prepare(`SELECT value FROM counters WHERE name = 'next_inode'`).get();
  const before = counter();
  planned(ruled, '  - {path: /All, place: "{stem}/{source}/{fileName}"}');
  assert.deepEqual(counter(), before);
});
