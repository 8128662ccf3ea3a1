/**
 * A YAML document checked against a zod schema, with errors that say file, line and column, what was expected and
 * what was found. Loads `yaml` (and the schema that is given, `zod`): import it lazily. Reads one file, writes none.
 *
 * A schema's own error text is a noun phrase, "a size such as 10GB", which is put into "expected …, found …".
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type Document, isAlias, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { errorMessage, FacetError, systemErrorCode } from '../errors.js';
import { nearest } from './nearest.js';

// Bounds what a mistaken path (a video, /dev/zero) or a hostile file can cost.
const LARGEST_FILE_BYTES = 4_000_000;
const MOST_ALIASES = 100;

/** Lines and columns count from 1. */
export interface Place {
  line: number;
  column: number;
}

/** One thing that is wrong with a document. */
export interface DocumentProblem extends Place {
  message: string;
  hint: string | undefined;
}

/** Everything that is wrong with a document, `usage`; its message names the first of it. */
export class DocumentError extends FacetError {
  readonly problems: readonly DocumentProblem[];

  constructor(file: string, problems: readonly DocumentProblem[]) {
    const { line = 1, column = 1, message, hint } = problems[0] ?? {};
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    super('usage', `${file}:${line}:${column}: ${message}${more}`, { hint, path: file });
    this.problems = problems;
  }
}

export function byPlace(a: Place, b: Place): number {
  return a.line - b.line || a.column - b.column;
}

/** Keys and indices that lead to a value. */
export type DocumentPath = readonly (string | number)[];

export interface CheckedDocument<Data> {
  data: Data;
  /** Where the value at a path starts, or where the `column`th letter of a text is, counted from 1. */
  at(path: DocumentPath, column?: number): Place;
}

/** Throws a FacetError: `usage` for what is in the file, `not-found` or `denied` for the file itself. */
export function readDocument<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  return checkDocument(file, readText(file), schema).data;
}

/** Checks what is in a file of this name. Throws a DocumentError. */
export function checkDocument<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
): CheckedDocument<z.output<Schema>> {
  const source = parseSource(file, text);
  const data = toData(source);
  const result = schema.safeParse(data);
  if (result.success) return { data: result.data, at: (path, column) => placeOf(source, path, column) };
  const problems = result.error.issues.map(issue => toProblem(issue, source, data, schema));
  throw problemError(source, problems);
}

function placeOf({ document, lines }: Source, path: DocumentPath, column = 1): Place {
  const start = offsetOf(document, path) ?? 0;
  const node = document.getIn(path, true);
  const { line, col } = lines.linePos(start);
  // Within a block, or a text over several lines, the letters are elsewhere.
  if (!isScalar(node) || node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL')
    return { line, column: col };
  const quote = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0;
  return { line, column: col + (column === 1 ? 0 : quote + column - 1) };
}

interface Source {
  readonly file: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

interface Problem {
  /** Of the text, or undefined when there is none to point at. */
  readonly offset: number | undefined;
  readonly says: string;
  readonly hint?: string | undefined;
}

/** The text of a file of moderate size. Opened without blocking, because a FIFO in place of the file would be waited for. */
export function readText(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile())
      throw notReadable(file, stat.isDirectory() ? 'it is a directory' : 'it is not a regular file');
    if (stat.size > LARGEST_FILE_BYTES)
      throw notReadable(file, `it is larger than ${LARGEST_FILE_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor));
  } catch (error) {
    throw error instanceof FacetError ? error : unreadable(file, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function notReadable(file: string, why: string): FacetError {
  return new FacetError('usage', `cannot read ${file}: ${why}`, { path: file });
}

function unreadable(file: string, cause: unknown): FacetError {
  const details = { path: file, cause };
  switch (systemErrorCode(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new FacetError('not-found', `cannot read ${file}: there is no such file`, details);
    case 'EACCES':
    case 'EPERM':
      return new FacetError('denied', `cannot read ${file}: permission denied`, {
        ...details,
        hint: 'check its owner and permissions',
      });
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return new FacetError('usage', `cannot read ${file}: it is not UTF-8 text`, details);
    default:
      return new FacetError('failed', `cannot read ${file}: ${errorMessage(cause)}`, details);
  }
}

function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  const document = refusingDepth(file, () =>
    parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: '1.2' }),
  );
  const source = { file, document, lines };
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length === 0) return source;
  throw problemError(
    source,
    wrong.map(({ pos, message }) => ({
      offset: pos[0],
      says: `not valid YAML: ${message.replace(/\.?\s*$/, '')}`,
    })),
  );
}

/** A key with nothing after it (`cache:` above comments) counts as a key that is not set. */
function toData({ file, document }: Source): unknown {
  return refusingDepth(file, () => withoutNulls(document.toJS({ maxAliasCount: MOST_ALIASES }) ?? {}));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(set.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function refusingDepth<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    // yaml's parser recurses, and throws a ReferenceError for unresolved and for exploding aliases.
    if (error instanceof RangeError) throw notReadable(file, 'it is nested too deeply');
    if (error instanceof ReferenceError)
      throw notReadable(
        file,
        error.message.replace(/^./, first => first.toLowerCase()),
      );
    throw error;
  }
}

function problemError({ file, lines }: Source, problems: readonly Problem[]): DocumentError {
  const placed = problems.map(({ offset, says, hint }) => {
    const { line, col } = offset === undefined ? { line: 1, col: 1 } : lines.linePos(offset);
    return { line, column: col, message: says, hint };
  });
  return new DocumentError(file, placed.sort(byPlace));
}

function toProblem(issue: z.core.$ZodIssue, source: Source, data: unknown, schema: z.ZodType): Problem {
  const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') return unknownKey(issue.keys[0] ?? '', path, source, schema);
  const name = path.length === 0 ? '' : `${path.join('.')}: `;
  const says = `${name}expected ${expectation(issue)}, found ${describeValue(valueAt(data, path))}`;
  return { offset: offsetOf(source.document, path), says, hint: hintOf(issue) };
}

function unknownKey(key: string, path: DocumentPath, source: Source, schema: z.ZodType): Problem {
  const known = knownKeys(schema, path);
  const near = nearest(key, known);
  const hint = near === undefined ? `the keys are ${known.join(', ')}` : `did you mean ${near}?`;
  return {
    offset: offsetOf(source.document, [...path, key], 'key'),
    says: `unknown key ${[...path, key].join('.')}`,
    hint,
  };
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid')) {
    return typeWords[issue.expected] ?? issue.expected;
  }
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid')) {
    const values = issue.values.map(String);
    return values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
  }
  return issue.message;
}

function hintOf(issue: z.core.$ZodIssue): string | undefined {
  return issue.code === 'custom' && typeof issue.params?.hint === 'string' ? issue.params.hint : undefined;
}

function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = String(value);
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return typeof value === 'string'
    ? `'${shown}'`
    : `the ${typeof value === 'bigint' ? 'number' : typeof value} ${shown}`;
}

function valueAt(data: unknown, path: DocumentPath): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
  }
  return value;
}

/** Where the value at a path starts; where there is none (a missing key, an alias), its nearest parent that exists. */
function offsetOf(
  document: Document.Parsed,
  path: DocumentPath,
  what: 'key' | 'value' = 'value',
): number | undefined {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      : undefined;
    const wantsKey = what === 'key' && depth === path.length - 1;
    const next: unknown = pair === undefined ? document.getIn(path.slice(0, depth + 1), true) : pair.value;
    const place: unknown = wantsKey && pair !== undefined ? pair.key : next;
    if (!isNode(place)) return offset;
    offset = place.range?.[0] ?? offset;
    node = next;
  }
  return offset;
}

/** From the JSON Schema, because it has no wrappers (default, optional, pipe) to look through. */
function knownKeys(schema: z.ZodType, path: DocumentPath): string[] {
  let inner: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  for (const part of path)
    inner = valueAt(inner, typeof part === 'number' ? ['items'] : ['properties', part]);
  const properties = valueAt(inner, ['properties']);
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}
