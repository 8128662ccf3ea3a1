/**
 * Queries as SQL conditions over `files f`, `folders d` and `sources s`. A condition that cannot be said in SQL has two
 * bounds, one that no matching file fails and one that only matching files meet, so that `not` can swap them.
 */
import type { Order, Query, TextField, TextTest } from '../query/ast.js';
import { turnsAfter, wantsOld } from '../query/compile.js';
import { BUILT_IN_FIELDS } from '../query/fields.js';
import { isAscii } from '../query/fold.js';
import { compileContains, compileFieldTest, compileNameTest } from '../query/name-test.js';
import { literalGlob } from '../query/patterns.js';
import { rangeOf } from '../query/period.js';
import { filesIn } from '../query/states.js';
import { compileTextTest } from '../query/text-test.js';
import { belowBase, belowPrefix, idsIn, inFolders, inSources } from './folder-sql.js';
import { propertySql } from './property-sql.js';
import type { SqlContext } from './sql-context.js';

export interface Bounds {
  /** True for every file that matches. */
  readonly may: string;
  /** True for no file that does not; equal to `may` where the SQL says all. */
  readonly must: string;
  /** How dear it is to ask one file, roughly: what is cheap is asked first. */
  readonly cost: number;
}

export function boundsOf(query: Query, context: SqlContext): Bounds {
  switch (query.kind) {
    case 'and':
    case 'or':
      return combined(query.kind, query.of, context);
    case 'not': {
      const { may, must, cost } = boundsOf(query.of, context);
      return { may: `NOT ${must}`, must: `NOT ${may}`, cost };
    }
    case 'contains':
      return containing(query.text, context);
    case 'text':
      return aboutText(query.field, query.test, context);
    case 'label':
      return aboutLabels(query.test, context);
    case 'size':
      return exact(`f.size ${query.op} ${context.bind(query.bytes)}`);
    case 'age':
      return query.field === 'age'
        ? aged(query.op, query.ms, context)
        : accessed(query.op, query.ms, context);
    case 'mtime':
      return modified(rangeOf(query.op, query.period), context);
    case 'property':
      return exact(propertySql(query.name, query.test, context), 9);
    case 'state':
      return exact(
        `f.id IN (SELECT value FROM json_each(${context.bind(JSON.stringify([...filesIn(query)]))}))`,
        2,
      );
    case 'present':
      return presence(query.field, context);
  }
}

export function exact(sql: string, cost = 1): Bounds {
  const closed = `(${sql})`;
  return { may: closed, must: closed, cost };
}

const UNKNOWN: Bounds = { may: '1', must: '0', cost: 0 };
const ALWAYS = exact('1', 0);

function combined(kind: 'and' | 'or', queries: readonly Query[], context: SqlContext): Bounds {
  const all = queries.map(query => boundsOf(query, context)).sort((a, b) => a.cost - b.cost);
  const [may, must] = [all.map(each => each.may), all.map(each => each.must)];
  const cost = Math.max(...all.map(each => each.cost));
  return { may: joined(kind, may), must: joined(kind, must), cost };
}

/** In halves, because SQLite bounds how deep an expression is, and a chain of operators is as deep as it is long. */
function joined(operator: string, terms: readonly string[]): string {
  if (terms.length === 1) return terms[0] ?? '';
  const middle = Math.ceil(terms.length / 2);
  return `(${joined(operator, terms.slice(0, middle))} ${operator} ${joined(operator, terms.slice(middle))})`;
}

function containing(text: string, { bind, tests }: SqlContext): Bounds {
  // LIKE knows the case of ASCII letters only, and is several times faster than a call for each name.
  if (isAscii(text)) return exact(`f.name LIKE ${bind(`%${escapeLike(text)}%`)} ESCAPE '\\'`, 2);
  return exact(
    `length(f.name) < octet_length(f.name) AND ${tests.ofText(compileContains(text), 'f.name')}`,
    3,
  );
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

function aboutText(field: TextField, test: TextTest, context: SqlContext): Bounds {
  const { tests } = context;
  switch (field) {
    case 'path':
      return aboutPath(test, context);
    case 'dir': {
      const asked = tests.ofText(compileTextTest(test), 'path');
      return exact(inFolders(`SELECT id FROM folders WHERE path <> '' AND ${asked}`), 2);
    }
    case 'source':
      return exact(inSources(compileTextTest(test), tests.db), 4);
    case 'node':
      return compileTextTest(test)(context.node) ? ALWAYS : exact('0', 0);
    default:
      return aboutName(field, test, context);
  }
}

function aboutName(field: TextField, test: TextTest, context: SqlContext): Bounds {
  const native = nativeNameTest(field, test, context);
  if (native !== undefined) return exact(native, 2);
  const asks = compileNameTest(field, test);
  if (asks === undefined) return UNKNOWN;
  const asked = context.tests.ofText(asks, 'f.name');
  if (field !== 'type') return exact(asked, 5);
  const link = compileFieldTest(field, test)('link') ? 1 : 0;
  return exact(`CASE WHEN (f.mode & ${0o170000}) = ${0o120000} THEN ${link} ELSE ${asked} END`, 5);
}

/** Stars of a glob that SQLite may look for: its GLOB goes back to each of them. */
const MOST_STARS = 2;

/** What SQLite's own operators say just as well, and faster. */
function nativeNameTest(field: TextField, test: TextTest, { bind }: SqlContext): string | undefined {
  if (field === 'ext' && test.op === '=' && isAscii(test.value))
    return `f.name LIKE ${bind(`_%.${escapeLike(test.value)}`)} ESCAPE '\\'`;
  if (field !== 'name' && field !== 'fileName') return undefined;
  if (test.op === '=') return `f.name = ${bind(test.value)}`;
  if (test.op !== 'glob' || /[[\]{}\\]/.test(test.pattern)) return undefined;
  if (test.pattern.split('*').length - 1 > MOST_STARS) return undefined;
  return `f.name GLOB ${bind(test.pattern)}`;
}

const PATH = `CASE d.path WHEN '' THEN f.name ELSE d.path || '/' || f.name END`;

function aboutPath(test: TextTest, context: SqlContext): Bounds {
  const path = test.op === 'glob' ? literalGlob(test.pattern) : test.op === '=' ? test.value : undefined;
  if (path !== undefined) return atPath(path, context);
  const asked = context.tests.ofText(compileTextTest(test), PATH);
  const folders = test.op === 'glob' ? belowBase(test.pattern, context.bind) : undefined;
  return exact(folders === undefined ? asked : `${inFolders(folders)} AND ${asked}`, 6);
}

function atPath(path: string, { bind }: SqlContext): Bounds {
  const slash = path.lastIndexOf('/');
  const folder = bind(path.slice(0, Math.max(slash, 0)));
  const folders = `SELECT id FROM folders WHERE source_id IN (SELECT id FROM sources) AND path = ${folder}`;
  return exact(`${inFolders(folders)} AND f.name = ${bind(path.slice(slash + 1))}`);
}

/** More than SQLite would put together in one statement. */
const MOST_RULES = 100;

function aboutLabels(test: TextTest, context: SqlContext): Bounds {
  const label = test.op === 'glob' ? literalGlob(test.pattern) : test.op === '=' ? test.value : undefined;
  const asks = compileTextTest(test);
  const where = label === undefined ? context.tests.ofText(asks, 'label') : `label = ${context.bind(label)}`;
  return labelled(`WHERE ${where}`, asks, context);
}

function labelled(where: string, asks: (label: string) => boolean, context: SqlContext): Bounds {
  const direct = `SELECT file_id FROM labels ${where}`;
  const rules = context.labelRules.filter(rule => rule.labels.some(asks));
  if (rules.length === 0) return exact(`f.id IN (${direct})`, 4);
  if (rules.length > MOST_RULES) return { may: '1', must: `(f.id IN (${direct}))`, cost: 4 };
  const folders = rules.map(rule => belowPrefix(rule, context.bind)).join(' UNION ALL ');
  return exact(`f.id IN (${direct} UNION ALL ${idsIn(folders)})`, 4);
}

function presence(field: string, context: SqlContext): Bounds {
  switch (field) {
    case 'label':
      return labelled('', () => true, context);
    case 'accessed':
      return exact('f.id IN (SELECT file_id FROM accesses)', 3);
    case 'ext':
      return aboutName('ext', { op: 'regex', pattern: '', ignoreCase: false }, context);
    case 'dir':
      return exact(inFolders(`SELECT id FROM folders WHERE path <> ''`), 2);
    default:
      return BUILT_IN_FIELDS.includes(field) ? ALWAYS : exact(propertySql(field, undefined, context), 9);
  }
}

function modified({ from, to }: { from: number; to: number }, { bind }: SqlContext): Bounds {
  const bounds = [
    Number.isFinite(from) ? [`f.mtime_us >= ${bind(from * 1000)}`] : [],
    Number.isFinite(to) ? [`f.mtime_us < ${bind(to * 1000)}`] : [],
  ];
  return exact(bounds.flat().join(' AND '));
}

/** A millisecond of age is old to its end. */
function aged(op: Order, ms: number, context: SqlContext): Bounds {
  const end = context.bind((context.now - turnsAfter(op, ms) + 1) * 1000);
  const old = wantsOld(op);
  return inTime(exact(`f.mtime_us ${old ? '<' : '>='} ${end}`), old, context);
}

/** What was never read is old. */
function accessed(op: Order, ms: number, context: SqlContext): Bounds {
  const start = context.bind(context.now - turnsAfter(op, ms));
  const young = `f.id IN (SELECT file_id FROM accesses WHERE at > ${start})`;
  const old = wantsOld(op);
  return inTime(exact(old ? `NOT ${young}` : young, 3), old, context);
}

/** What is young will be old, and what is old never young again, until somebody changes or reads it. */
function inTime(present: Bounds, old: boolean, { evermore }: SqlContext): Bounds {
  if (!evermore) return present;
  return old ? { ...present, may: '1' } : { ...present, must: '0' };
}

/** Does the SQL of a query begin with an index that finds its files, or nearly? */
export function findsFewFiles(query: Query): boolean {
  switch (query.kind) {
    case 'and':
      return query.of.some(findsFewFiles);
    case 'or':
      return query.of.every(findsFewFiles);
    case 'label':
    case 'state':
      return true;
    case 'text':
      return query.field === 'path' && (query.test.op === '=' || query.test.op === 'glob');
    default:
      return false;
  }
}
