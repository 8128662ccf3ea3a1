/** Reads one predicate of a query: a text, or a field with its question. */
import { combine, type Query, STATES } from './ast.js';
import { readComparison, readGlob, readRegex } from './comparison.js';
import type { Cursor, Found } from './cursor.js';
import { BUILT_IN_FIELDS, nearestField } from './fields.js';

const AS_TEXT = 'to find it in names, put it in quotes';

export function parsePredicate(cursor: Cursor): Query {
  const subject = cursor.word();
  if (subject.text === '') throw noSubject(cursor, subject);
  if (cursor.take(':')) return withColon(cursor, subject);
  const end = cursor.at;
  cursor.skipSpace();
  const at = cursor.at;
  const operator = cursor.operator();
  if (operator !== '') return withOperator(cursor, subject, { text: operator, at, quoted: false });
  if (!isReserved(subject) && cursor.keyword('is')) return presence(cursor, subject);
  if (!isReserved(subject) && cursor.keyword('in')) return list(cursor, subject);
  cursor.at = end;
  return contains(cursor, subject);
}

function noSubject(cursor: Cursor, { quoted, at }: Found): Error {
  if (quoted) return cursor.error(at, 'an empty text, which every name contains');
  const found = cursor.take(':') ? ':' : cursor.operator();
  return cursor.error(at, `expected a field before '${found}'`, AS_TEXT);
}

function isReserved({ text, quoted }: Found): boolean {
  return !quoted && /^(is|in)$/i.test(text);
}

/** Bare words that look like something else are errors: they would find nothing, and not say so. */
function contains(cursor: Cursor, { text, at, quoted }: Found): Query {
  if (quoted) return { kind: 'contains', text };
  if (isReserved({ text, at, quoted })) throw cursor.error(at, `expected a field before ${text}`, AS_TEXT);
  if (text.includes('*'))
    throw cursor.error(at, `'${text}' looks like a glob`, `write name:${text}; ${AS_TEXT}`);
  if (text.includes('/'))
    throw cursor.error(
      at,
      `'${text}' is in no name: a name has no slash`,
      `write path:${text}, or path:**/${text}/**`,
    );
  if (/^[-!]./.test(text))
    throw cursor.error(at, `'${text}' looks like a negation`, `write not ${text.slice(1)}; ${AS_TEXT}`);
  if (cursor.next === '(')
    throw cursor.error(
      cursor.at,
      'a ( inside a word',
      'put the whole word in quotes, or a space before the (',
    );
  const state = STATES.find(each => each === text);
  return state ? { kind: 'state', state, column: at + 1 } : { kind: 'contains', text };
}

function withColon(cursor: Cursor, field: Found): Query {
  const colon = cursor.at - 1;
  if (field.text === 'replica') throw cursor.error(field.at, 'replicas cannot be asked for yet');
  if (!BUILT_IN_FIELDS.includes(field.text)) {
    const near = nearestField(field.text);
    const hint =
      near === undefined ? `a property takes =, as in ${field.text}=…; ${AS_TEXT}` : `did you mean ${near}?`;
    throw cursor.error(field.at, `no field '${field.text}' that takes ':'`, hint);
  }
  const value = cursor.value(false, true);
  if (value.text === '')
    throw cursor.error(
      colon + 1,
      `expected a glob after ${field.text}:`,
      'there is no space after the colon',
    );
  return readGlob(cursor, field, value);
}

/** What people write who know it from elsewhere. */
const MEANT: Readonly<Record<string, string>> = {
  '==': '=',
  '=~': '~',
  '~=': '~',
  '<>': '!=',
  '=<': '<=',
  '=>': '>=',
};

function withOperator(cursor: Cursor, field: Found, operator: Found): Query {
  cursor.skipSpace();
  switch (operator.text) {
    case '~':
      return readRegex(cursor, field);
    case '!=':
      return { kind: 'not', of: readComparison(cursor, field, '=', operandOf(cursor, operator)) };
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return readComparison(cursor, field, operator.text, operandOf(cursor, operator));
    case '!~':
      throw cursor.error(operator.at, `no operator '!~'`, `write not ${field.text}~"…"`);
    default:
      throw cursor.error(
        operator.at,
        `no operator '${operator.text}'`,
        `write ${MEANT[operator.text] ?? 'one of = != < <= > >= ~'}`,
      );
  }
}

function operandOf(cursor: Cursor, operator: Found): Found {
  const value = cursor.value(false, false);
  if (value.text !== '' || value.quoted) return value;
  throw cursor.error(value.at, `expected a value after ${operator.text}`);
}

function presence(cursor: Cursor, { text, at }: Found): Query {
  cursor.skipSpace();
  const start = cursor.at;
  const isBuiltIn = BUILT_IN_FIELDS.includes(text);
  const present: Query = { kind: 'present', field: text, ...(isBuiltIn ? {} : { column: at + 1 }) };
  switch (cursor.keyword('present', 'missing')) {
    case 'present':
      return present;
    case 'missing':
      return { kind: 'not', of: present };
    default:
      throw cursor.error(
        start,
        'expected present or missing after is',
        `if 'is' is to be in the name, put it in quotes`,
      );
  }
}

/** `x in [a, b]`: any of the values. */
function list(cursor: Cursor, field: Found): Query {
  cursor.skipSpace();
  const start = cursor.at;
  if (!cursor.take('['))
    throw cursor.error(
      start,
      'expected a list such as [a, b] after in',
      `if 'in' is to be in the name, put it in quotes`,
    );
  const of: Query[] = [];
  do of.push(listed(cursor, field));
  while (cursor.take(','));
  if (!cursor.take(']')) throw cursor.error(cursor.at, `expected , or ] in the list`);
  return combine('or', of);
}

function listed(cursor: Cursor, field: Found): Query {
  cursor.skipSpace();
  const value = cursor.value(true, false);
  if (value.text === '' && !value.quoted) throw cursor.error(value.at, 'expected a value in the list');
  cursor.skipSpace();
  return readComparison(cursor, field, '=', value);
}
