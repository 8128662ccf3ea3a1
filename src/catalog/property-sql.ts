/** Questions about properties as SQL. Every value is asked by the same function that asks it in JavaScript. */
import type { TextTest } from '../query/ast.js';
import { compileValueTest } from '../query/text-test.js';
import type { SqlContext } from './sql-context.js';

/** Any of the property's values; without a test, whether there is one. */
export function propertySql(name: string, test: TextTest | undefined, context: SqlContext): string {
  const asks = test === undefined ? () => true : compileValueTest(test);
  const asked = (value: string) => context.tests.ofValue(asks, value);
  const holds = isPlainKey(name) ? atPath(name, asked, context) : atKey(name, asked, context);
  return context.fewFiles
    ? `EXISTS (SELECT 1 FROM properties p WHERE p.file_id = f.id AND ${holds})`
    : `f.id IN (SELECT p.file_id FROM properties p WHERE ${holds})`;
}

/** In quotes the whole name is one key, dots and all; but SQLite does not agree with itself how to escape there. */
function isPlainKey(name: string): boolean {
  return !/["\\\u0000-\u001f]/.test(name);
}

type Asked = (value: string) => string;

function atPath(name: string, asked: Asked, { bind }: SqlContext): string {
  const path = bind(`$."${name}"`);
  return `CASE json_type(p.json, ${path})
    WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(p.json, ${path}) v WHERE ${asked('v.value')})
    ELSE ${asked(`json_extract(p.json, ${path})`)} END`;
}

function atKey(name: string, asked: Asked, { bind }: SqlContext): string {
  return `EXISTS (SELECT 1 FROM json_each(p.json) k WHERE k.key = ${bind(name)} AND CASE k.type
    WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(k.value) v WHERE ${asked('v.value')})
    ELSE ${asked('k.value')} END)`;
}
