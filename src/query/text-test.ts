/** What a text, or a property's value, is asked: compiled once, asked of every file. */
import type { Comparison, TextTest } from './ast.js';
import type { Value } from './facts.js';
import { compileLinearGlob, compileRegex } from './patterns.js';

export type Asks<T> = (value: T) => boolean;

/** Texts compare by their UTF-16 units. */
export function compileTextTest(test: TextTest): Asks<string> {
  switch (test.op) {
    case 'glob':
      return compileLinearGlob(test.pattern);
    case 'regex':
      return compileRegex(test.pattern, test.ignoreCase);
    default:
      return comparing(test.op, test.value);
  }
}

/**
 * What looks like a number is one, on either side, whether it is stored as a number or as text: `season=1` finds "01".
 * A number never compares with a text that does not look like one; any other text compares with the texts of values.
 */
export function compileValueTest(test: TextTest): Asks<Value> {
  const number = 'value' in test ? numberOf(test.value) : undefined;
  if ('value' in test && number !== undefined) {
    const compares = comparing(test.op, number);
    return value => {
      const other = numberOf(value);
      return other !== undefined && compares(other);
    };
  }
  const asks = compileTextTest(test);
  return value => asks(typeof value === 'string' ? value : String(value));
}

/** Up to as many digits as a number keeps exactly: longer texts are identifiers. */
const NUMERIC = /^-?\d{1,15}(?:\.\d{1,15})?$/;

function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  return NUMERIC.test(value) ? Number(value) : undefined;
}

export function comparing<T extends Value>(op: Comparison, operand: T): Asks<T> {
  switch (op) {
    case '=':
      return value => value === operand;
    case '<':
      return value => value < operand;
    case '<=':
      return value => value <= operand;
    case '>':
      return value => value > operand;
    case '>=':
      return value => value >= operand;
  }
}
