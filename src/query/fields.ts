/** The fields that every file has by itself, and the properties that a query names. Pure. */
import { nearest } from '../config/nearest.js';
import { FOLDED_FIELDS, type FoldedField, type Query, TEXT_FIELDS, type TextField } from './ast.js';

/** All but properties. A property of such a name cannot be asked for. */
export const BUILT_IN_FIELDS: readonly string[] = [
  ...TEXT_FIELDS,
  ...FOLDED_FIELDS,
  'label',
  'size',
  'age',
  'accessed',
  'mtime',
];

/** Can a property be called so? Names of built-in fields are of this form too. */
export function isPropertyName(name: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_.-]{0,199}$/u.test(name);
}

export function isFoldedField(name: string): name is FoldedField {
  return FOLDED_FIELDS.some(field => field === name);
}

export function isTextField(name: string): name is TextField {
  return TEXT_FIELDS.some(field => field === name) || isFoldedField(name);
}

/** The built-in field that was probably meant. */
export function nearestField(name: string): string | undefined {
  return nearest(name, BUILT_IN_FIELDS);
}

export interface FieldUse {
  readonly name: string;
  /** Where the query's text names it, from 1; 0 when it was not made from a text. */
  readonly column: number;
}

/** The properties that a query asks for, in the order of its text: any name may be one, so a checker compares them with those in use. */
export function fieldsOf(query: Query): FieldUse[] {
  const found = new Map<string, FieldUse>();
  for (const use of usesIn(query)) found.set(`${use.column}:${use.name}`, use);
  return [...found.values()];
}

function usesIn(query: Query): FieldUse[] {
  switch (query.kind) {
    case 'and':
    case 'or':
      return query.of.flatMap(usesIn);
    case 'not':
      return usesIn(query.of);
    case 'property':
      return [{ name: query.name, column: query.column ?? 0 }];
    case 'present':
      return BUILT_IN_FIELDS.includes(query.field) ? [] : [{ name: query.field, column: query.column ?? 0 }];
    default:
      return [];
  }
}
