/** The conditions of MetaMesh's rules, in both of its spellings, as queries. */
import * as z from 'zod';
import type { Query } from '../query/ast.js';
import { BUILT_IN_FIELDS } from '../query/fields.js';
import {
  ALWAYS,
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

/** A group has conditions; one that has not asks something of a field. */
export interface Condition {
  type?: string | undefined;
  operator?: string | undefined;
  field?: string | undefined;
  value?: string | number | boolean | undefined;
  conditions?: Condition[] | undefined;
}

const WITHOUT_VALUE = new Set(['exists', 'notexists']);

export const condition: z.ZodType<Condition> = z.lazy(() =>
  z
    .looseObject({
      type: z.string({ error: 'the name of a test' }).optional(),
      operator: z.string({ error: 'the name of a test, or and or or' }).optional(),
      field: z.string({ error: 'the name of a field' }).min(1, { error: 'the name of a field' }).optional(),
      value: z
        .union([z.string(), z.number(), z.boolean()], { error: 'a text, a number, true or false' })
        .optional(),
      conditions: z.array(condition, { error: 'a list of conditions' }).optional(),
    })
    .refine(each => each.conditions !== undefined || each.field !== undefined, {
      error: 'a condition with a field, or a group with conditions',
    })
    .refine(
      each => each.conditions !== undefined || each.value !== undefined || WITHOUT_VALUE.has(testOf(each)),
      { error: 'a condition with a value' },
    ),
);

/** `NOT_EXISTS` and `notExists` are one. */
function testOf({ type, operator }: Condition): string {
  return (type ?? operator ?? '').toLowerCase().replaceAll('_', '');
}

/** An empty group matches every file. */
export function queryOf(from: Condition, warn: Warn): Query {
  const { conditions } = from;
  if (conditions === undefined) return queryOfTest(from, warn);
  if (conditions.length === 0) return ALWAYS;
  const queries = conditions.map(each => queryOf(each, warn));
  return testOf(from) === 'or' ? anyOf(queries) : allOf(queries);
}

function queryOfTest(from: Condition, warn: Warn): Query {
  const query = ask(fieldOfMetamesh(from.field ?? '', warn), testOf(from), String(from.value));
  if (query !== undefined) return usable(query, `the condition on ${from.field}`, warn);
  warn(`MetaMesh has no test ${from.type ?? from.operator}: it never matches`);
  return NEVER;
}

function ask(field: string, test: string, value: string): Query | undefined {
  switch (test) {
    case 'exists':
      return { kind: 'present', field };
    case 'notexists':
      return negate({ kind: 'present', field });
    case 'equals':
      return compared(field, '=', value);
    case 'notequals':
      return negate(compared(field, '=', value));
    case 'greaterthan':
      return compared(field, '>', value);
    case 'lessthan':
      return compared(field, '<', value);
    case 'contains':
      return matched(field, literal(value));
    case 'startswith':
      return matched(field, `^${literal(value)}`);
    case 'endswith':
      return matched(field, `${literal(value)}$`);
    case 'matches':
      return matched(field, value);
    default:
      return undefined;
  }
}

/** What facet calls the fields that every file of MetaMesh has. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['extension', 'ext'],
  ['filePath', 'path'],
  ['fileName', 'fileName'],
  ['fileSize', 'size'],
  ['sizeByte', 'size'],
  ['size', 'size'],
  ['mtime', 'mtime'],
]);

export function fieldOfMetamesh(name: string, warn: Warn): string {
  const known = FIELDS.get(name);
  if (known !== undefined) return known;
  if (BUILT_IN_FIELDS.includes(name)) warn(`${name} is what facet itself knows of a file, not the property`);
  return name.replaceAll('/', '.');
}
