/**
 * Templates: where a file goes, written with its values, as in `{title|"Untitled"}{year?( ({year}))}.{ext}`. What one is
 * once it is read; parse-template.ts reads it and expand.ts fills it in.
 */
import { FacetError } from '../errors.js';
import { BUILT_IN, type BuiltIn, builtIn, type Facts, type Property } from '../query/facts.js';
import type { Change, Format } from './modifiers.js';

export interface Template {
  readonly text: string;
  readonly parts: readonly Part[];
  /** Every value that is asked for, in the order of the text. */
  readonly references: readonly Reference[];
  /** The names of those that are asked for with a star. */
  readonly starred: readonly string[];
}

export type Part = string | Placeholder;

export interface Placeholder {
  /** The first that is there counts; a text always is. */
  readonly alternatives: readonly (string | Reference)[];
  /** If none of them is there: is nothing written, or has the file no place? */
  readonly optional: boolean;
  /** What is written instead of the value, if it is there. */
  readonly text: readonly Part[] | undefined;
}

export interface Reference {
  readonly name: string;
  /** With its star and modifiers. */
  readonly written: string;
  /** From 1, in the text of the template. */
  readonly column: number;
  /** Is every value asked for, one path for each, and not only the first? */
  readonly star: boolean;
  readonly read: Reader;
  /** May it hold slashes that are slashes? */
  readonly isPath: boolean;
  readonly format: Format;
  readonly changes: readonly Change[];
}

export type Reader = (facts: Facts) => Property | undefined;

/** A template is wrong, at a column (from 1) of its text. */
export class TemplateError extends FacetError {
  readonly column: number;

  constructor(column: number, message: string, hint?: string) {
    super('usage', message, { hint });
    this.column = column;
  }
}

const LABEL = 'label';

/** Where a template finds the values of a name: properties never take the place of what every file has by itself. */
export function readerOf(name: string): Reader {
  if (isBuiltIn(name)) return facts => builtIn(facts, name);
  // Sorted, so that the first label and the order of paths do not depend on who gave which when.
  if (name === LABEL) return facts => [...facts.labels].sort();
  return ({ properties }) => (Object.hasOwn(properties, name) ? properties[name] : undefined);
}

const builtIns: ReadonlySet<string> = new Set(BUILT_IN);

function isBuiltIn(name: string): name is BuiltIn {
  return builtIns.has(name);
}

/** The properties that a template asks for: what is neither built in nor a label. */
export function propertiesOf({ references }: Template): readonly Reference[] {
  return references.filter(({ name }) => !isBuiltIn(name) && name !== LABEL);
}

export function usesLabels({ references }: Template): boolean {
  return references.some(({ name }) => name === LABEL);
}
