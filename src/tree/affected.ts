/**
 * What has to be placed anew when other rules come into force: as few files as SQLite can tell by what the directories that
 * changed ask for, and of those the ones that these directories place elsewhere. Memory stays flat.
 */
import type { Database, Statement } from 'better-sqlite3';
import { CATALOG_FILE } from '../catalog/files.js';
import type { CatalogFile, CatalogFolder } from '../catalog/projector.js';
import { QueryTests } from '../catalog/query-tests.js';
import { conditionOf } from '../catalog/search.js';
import { combine, type Query } from '../query/ast.js';
import { parseQuery } from '../query/parse.js';
import type { FilterRule, LabelRule, Origin } from '../rules/rules.js';
import { type Directory, type Placed, place } from '../rules/ruleset.js';
import type { Arrangement } from './arrangement.js';
import { RuledArrangement } from './arrangements.js';

const PAGE = 5_000;

/** The files whose places may be others by now, in the order of their ids; undefined when that is all of them. */
export function affectedFiles(
  db: Database,
  before: Arrangement,
  after: Arrangement,
  now: number,
): Iterable<CatalogFile> | undefined {
  if (!(before instanceof RuledArrangement) || !(after instanceof RuledArrangement)) return undefined;
  return filesBetween(db, before, after, now);
}

function* filesBetween(
  db: Database,
  before: RuledArrangement,
  after: RuledArrangement,
  now: number,
): Generator<CatalogFile> {
  const [old, present] = [changedFrom(before, after), changedFrom(after, before)];
  const labels = changedLabels(before, after);
  db.exec('CREATE TEMP TABLE IF NOT EXISTS affected(id INTEGER PRIMARY KEY); DELETE FROM temp.affected');
  collect(db, before, old, now);
  collect(db, after, present, now);
  for (const { source, prefix } of labels) collectFrom(db, [{ source, prefix }], undefined, [], now);
  for (const file of collected(db)) {
    if (labels.length > 0 || isElsewhere(file, { before, old, after, present, now })) yield file;
  }
  db.exec('DROP TABLE temp.affected');
}

/** The directories of one arrangement that the other has not, or not so. */
function changedFrom(one: RuledArrangement, other: RuledArrangement): Directory[] {
  const known = new Set(other.ruleset.directories.map(({ key }) => key));
  return one.ruleset.directories.filter(({ key }) => !known.has(key));
}

function changedLabels(one: RuledArrangement, other: RuledArrangement): LabelRule[] {
  const keyOf = ({ source, prefix, labels }: LabelRule) => JSON.stringify([source, prefix, labels]);
  const [these, those] = [one.ruleset.rules.labels, other.ruleset.rules.labels];
  const missingIn = (rules: readonly LabelRule[]) => {
    const known = new Set(rules.map(keyOf));
    return (rule: LabelRule) => !known.has(keyOf(rule));
  };
  return [...these.filter(missingIn(those)), ...those.filter(missingIn(these))];
}

function collect(
  db: Database,
  { ruleset }: RuledArrangement,
  directories: readonly Directory[],
  now: number,
): void {
  for (const { filters, mounts } of directories) {
    for (const { rule } of mounts) {
      const asked = [...filters.map(each => each.filter.rule), rule].flatMap(queriesOf);
      const query = asked.length === 0 ? undefined : combine('and', asked);
      collectFrom(db, rule.from, query, ruleset.rules.labels, now);
    }
  }
}

/** What every file that passes a filter matches: a part of what the filter says. */
function queriesOf({ where, steps, default: rest }: FilterRule): Query[] {
  const included = steps.filter(({ then }) => then === 'include').map(({ match }) => parseQuery(match));
  const anyStep = rest === 'exclude' && included.length > 0 ? [combine('or', included)] : [];
  return where === undefined ? anyStep : [parseQuery(where), ...anyStep];
}

function collectFrom(
  db: Database,
  origins: readonly Origin[],
  query: Query | undefined,
  labelRules: readonly LabelRule[],
  now: number,
): void {
  const tests = new QueryTests(db);
  try {
    // Those that the rules take later on have to be known as well, so that somebody looks when their time comes.
    const { sql, params } = query
      ? conditionOf(query, tests, labelRules, now, { evermore: true })
      : { sql: '1', params: {} };
    const from = origins.map((_, nth) => originSql(nth)).join(' OR ');
    const places = Object.fromEntries(origins.flatMap(originParams));
    db.prepare(
      `INSERT OR IGNORE INTO temp.affected SELECT f.id FROM files f CROSS JOIN folders d ON d.id = f.folder_id
       CROSS JOIN sources s ON s.id = d.source_id WHERE f.deleted_at IS NULL AND ${sql} AND (${from})`,
    ).run({ ...params, ...places });
  } finally {
    tests.drop();
  }
}

/** A folder's path has no slash at its end. */
function originSql(nth: number): string {
  return `((@source${nth} IS NULL OR s.name = @source${nth}) AND substr(d.path || '/', 1, length(@prefix${nth})) = @prefix${nth})`;
}

function originParams({ source, prefix }: Origin, nth: number): [string, string | null][] {
  return [
    [`source${nth}`, source],
    [`prefix${nth}`, prefix],
  ];
}

function* collected(db: Database): Generator<CatalogFile> {
  const files: Statement<[number], CatalogFile> = db.prepare(
    `${CATALOG_FILE} JOIN temp.affected a ON a.id = f.id WHERE a.id > ? ORDER BY a.id LIMIT ${PAGE}`,
  );
  for (let after = 0; ; ) {
    const page = files.all(after);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? after;
  }
}

interface Comparison {
  before: RuledArrangement;
  old: readonly Directory[];
  after: RuledArrangement;
  present: readonly Directory[];
  now: number;
}

/** Do the directories that changed place the file elsewhere, or will they at another time? */
function isElsewhere(file: CatalogFile, { before, old, after, present, now }: Comparison): boolean {
  const clock = { now, due: Number.POSITIVE_INFINITY };
  const placesIn = (arrangement: RuledArrangement, directories: readonly Directory[]) => {
    const placed: Placed[] = [];
    const facts = arrangement.factsOf(file);
    for (const directory of directories) place(directory, facts, clock, placed);
    return JSON.stringify(placed);
  };
  return placesIn(before, old) !== placesIn(after, present) || clock.due !== Number.POSITIVE_INFINITY;
}

/** Every folder that is there. */
export function* allFolders(db: Database): Generator<CatalogFolder> {
  const folders: Statement<[number], CatalogFolder & { id: number }> = db.prepare(
    `SELECT d.id, s.name AS source, d.path, d.mtime_us AS mtimeUs, d.mode FROM folders d JOIN sources s ON s.id = d.source_id
     WHERE d.id > ? AND d.deleted_at IS NULL ORDER BY d.id LIMIT ${PAGE}`,
  );
  for (let after = 0; ; ) {
    const page = folders.all(after);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? after;
  }
}
