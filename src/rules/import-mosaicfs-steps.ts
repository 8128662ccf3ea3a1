/**
 * The steps of MosaicFS as queries. Its documentation and its program differ in what a step says (`max_days: 90`,
 * `days: 90, comparison: lt`); both are understood.
 */
import * as z from 'zod';
import type { Comparison, Order, Query } from '../query/ast.js';
import { formatQuery } from '../query/format.js';
import type { StepInput } from './import-document.js';
import {
  about,
  allOf,
  anyOf,
  compared,
  literal,
  matched,
  NEVER,
  negate,
  usable,
  type Warn,
} from './import-queries.js';

const text = z.string({ error: 'a text' });
const texts = z.array(text, { error: 'a list of texts' });
const days = z.number({ error: 'a number of days' });
const bytes = z.number({ error: 'a number of bytes' });

export const step = z.looseObject({
  op: z.string({ error: 'the name of a test' }),
  invert: z.boolean({ error: 'true or false' }).default(false),
  on_match: z
    .enum(['include', 'exclude', 'continue'], { error: 'include, exclude or continue' })
    .default('include'),
  pattern: text.optional(),
  flags: text.optional(),
  comparison: z.enum(['lt', 'gt', 'eq'], { error: 'lt, gt or eq' }).default('gt'),
  days: days.optional(),
  min_days: days.optional(),
  max_days: days.optional(),
  bytes: bytes.optional(),
  min_bytes: bytes.optional(),
  max_bytes: bytes.optional(),
  types: texts.optional(),
  node_id: text.optional(),
  node_ids: texts.optional(),
  label: text.optional(),
  labels: texts.optional(),
  missing: z.enum(['include', 'exclude'], { error: 'include or exclude' }).default('include'),
  plugin_name: text.optional(),
  key: text.optional(),
  value: z
    .union([z.string(), z.number(), z.boolean()], { error: 'a text, a number, true or false' })
    .optional(),
  regex: text.optional(),
});
export type MosaicfsStep = z.output<typeof step>;

/** A step that continues decides nothing. `root` is the folder of the source in MosaicFS, which its patterns may name. */
export function stepsOf(steps: readonly MosaicfsStep[], root: string | undefined, warn: Warn): StepInput[] {
  return steps
    .filter(each => each.on_match !== 'continue')
    .map(each => {
      const query = queryOf(each, root, warn);
      const match = formatQuery(each.invert ? negate(query) : query);
      const then = each.on_match === 'exclude' ? 'exclude' : 'include';
      return { match, then };
    });
}

function queryOf(from: MosaicfsStep, root: string | undefined, warn: Warn): Query {
  const query = ask(from, root, warn);
  if (query !== undefined) return usable(query, `the step ${from.op}`, warn);
  warn(`the step ${from.op} does not say what it tests, or facet has no such test: it never matches`);
  return NEVER;
}

function ask(from: MosaicfsStep, root: string | undefined, warn: Warn): Query | undefined {
  switch (from.op) {
    case 'glob':
      return from.pattern === undefined ? undefined : askGlob(from.pattern, root, warn);
    case 'regex':
      return from.pattern === undefined ? undefined : askRegex(from.pattern, from.flags, root, warn);
    case 'age':
      return together(ages('age', from));
    case 'access_age':
      return askAccess(from);
    case 'size':
      return together(sizes(from));
    case 'mime':
      return askMime(from);
    case 'node':
      return askNode(from, warn);
    case 'label':
      return together(both(from.label, from.labels).map(each => compared('label', '=', each)));
    case 'annotation':
      return askAnnotation(from, warn);
    default:
      return undefined;
  }
}

/** None: the step does not say what it tests. */
function together(queries: readonly Query[], combine = allOf): Query | undefined {
  return queries.length === 0 ? undefined : combine(queries);
}

function both(one: string | undefined, several: readonly string[] = []): readonly string[] {
  return one === undefined ? several : [one, ...several];
}

/** A pattern without a slash is about names: there `*` stops at slashes, in MosaicFS it does not. */
function askGlob(pattern: string, root: string | undefined, warn: Warn): Query {
  const below = relative(pattern, [root], warn);
  return about(below.includes('/') ? 'path' : 'name', { op: 'glob', pattern: below });
}

function askRegex(pattern: string, flags = '', root: string | undefined, warn: Warn): Query {
  const roots = [root, root === undefined ? undefined : literal(root)];
  const below = pattern.startsWith('^') ? `^${relative(pattern.slice(1), roots, warn)}` : pattern;
  return matched('path', below, flags.includes('i'));
}

/** A pattern for whole paths of a machine as one for paths below the source. */
function relative(pattern: string, roots: readonly (string | undefined)[], warn: Warn): string {
  if (!pattern.startsWith('/')) return pattern;
  const root = roots.find(each => each !== undefined && pattern.startsWith(`${each}/`));
  if (root !== undefined) return pattern.slice(root.length + 1);
  if (!pattern.startsWith('/**/'))
    warn(`check ${pattern}: in facet paths begin below the folder of the source`);
  return pattern.slice(1);
}

const DAY_MS = 86_400_000;

/** `days` counts whole days. */
function ages(
  field: 'age' | 'accessed',
  { days: at, comparison, min_days, max_days }: MosaicfsStep,
): Query[] {
  const age = (op: Order, amount: number): Query => ({
    kind: 'age',
    field,
    op,
    ms: Math.round(amount * DAY_MS),
  });
  const found: Query[] = [];
  if (min_days !== undefined) found.push(age('>', min_days));
  if (max_days !== undefined) found.push(age('<', max_days));
  if (at === undefined) return found;
  if (comparison !== 'lt') found.push(age('>=', comparison === 'eq' ? at : at + 1));
  if (comparison !== 'gt') found.push(age('<', comparison === 'eq' ? at + 1 : at));
  return found;
}

/** Where facet says "long ago" of a file that was never read, MosaicFS says what `missing` says. */
function askAccess(from: MosaicfsStep): Query | undefined {
  const query = together(ages('accessed', from));
  const everRead: Query = { kind: 'present', field: 'accessed' };
  if (query === undefined) return undefined;
  return from.missing === 'include' ? anyOf([query, negate(everRead)]) : allOf([query, everRead]);
}

const OPERATORS = { lt: '<', gt: '>', eq: '=' } as const;

function sizes({ bytes: at, comparison, min_bytes, max_bytes }: MosaicfsStep): Query[] {
  const size = (op: Comparison, amount: number): Query => ({ kind: 'size', op, bytes: amount });
  const found: Query[] = [];
  if (min_bytes !== undefined) found.push(size('>=', min_bytes));
  if (max_bytes !== undefined) found.push(size('<=', max_bytes));
  if (at !== undefined) found.push(size(OPERATORS[comparison], at));
  return found;
}

function askMime({ pattern, types = [] }: MosaicfsStep): Query | undefined {
  const any = types.map(type =>
    type.includes('*') ? about('mime', { op: 'glob', pattern: type }) : compared('mime', '=', type),
  );
  return together(pattern === undefined ? any : [...any, matched('mime', literal(pattern), true)], anyOf);
}

function askNode({ node_id, node_ids }: MosaicfsStep, warn: Warn): Query | undefined {
  const ids = both(node_id, node_ids);
  for (const id of ids) warn(`check that a node is called ${id}`);
  return together(
    ids.map(id => compared('node', '=', id)),
    anyOf,
  );
}

function askAnnotation({ plugin_name, key, value, regex }: MosaicfsStep, warn: Warn): Query | undefined {
  if (plugin_name === undefined) return undefined;
  const field = ['annotation', plugin_name, key].filter(part => part !== undefined).join('.');
  if (key === undefined)
    warn(`facet cannot ask for any annotation of ${plugin_name}: name one below ${field}`);
  if (value !== undefined) return compared(field, '=', String(value));
  return regex === undefined ? { kind: 'present', field } : matched(field, regex);
}
