/** Queries as functions: compiled once, then asked of one file after another without taking memory for any. */
import type { Order, Query, TextField, TextTest } from './ast.js';
import { builtIn, type Facts, type Property } from './facts.js';
import { BUILT_IN_FIELDS } from './fields.js';
import { compileContains, compileFieldTest, compileNameTest } from './name-test.js';
import { type Period, rangeOf } from './period.js';
import { filesIn } from './states.js';
import { type Asks, comparing, compileTextTest, compileValueTest } from './text-test.js';

export interface Clock {
  /** Milliseconds since the epoch, a whole number. */
  now: number;
  /**
   * The earliest moment at which a comparison with the age of a file that was looked at turns out otherwise: until then the
   * answer stays, if the file does. Infinity when there is none. Set before asking; predicates only lower it.
   */
  due: number;
}

export type Predicate = (facts: Facts, clock: Clock) => boolean;

/** Throws `usage` for patterns that are none; those of a query that was parsed are right. */
export function compilePredicate(query: Query): Predicate {
  switch (query.kind) {
    case 'and':
      return every(query.of.map(compilePredicate));
    case 'or':
      return some(query.of.map(compilePredicate));
    case 'not':
      return inverted(compilePredicate(query.of));
    case 'contains':
      return named(compileContains(query.text));
    case 'text':
      return aboutText(query.field, query.test);
    case 'label':
      return aboutLabels(query.test);
    case 'size':
      return sized(comparing(query.op, query.bytes));
    case 'age':
      return query.field === 'age' ? aged(query.op, query.ms) : accessed(query.op, query.ms);
    case 'mtime':
      return modified(rangeOf(query.op, query.period));
    case 'property':
      return aboutProperty(query.name, query.test);
    case 'state':
      return among(filesIn(query));
    case 'present':
      return presence(query.field);
  }
}

function every(predicates: readonly Predicate[]): Predicate {
  return (facts, clock) => {
    for (const predicate of predicates) if (!predicate(facts, clock)) return false;
    return true;
  };
}

function some(predicates: readonly Predicate[]): Predicate {
  return (facts, clock) => {
    for (const predicate of predicates) if (predicate(facts, clock)) return true;
    return false;
  };
}

function inverted(predicate: Predicate): Predicate {
  return (facts, clock) => !predicate(facts, clock);
}

function among(files: ReadonlySet<number>): Predicate {
  return ({ id }) => files.has(id);
}

function named(asks: Asks<string>): Predicate {
  return facts => asks(facts.name);
}

function aboutText(field: TextField, test: TextTest): Predicate {
  const asks = compileFieldTest(field, test);
  const asksName = compileNameTest(field, test);
  if (field === 'type') return facts => (facts.isLink ? asks('link') : asksName?.(facts.name) === true);
  if (asksName) return named(asksName);
  return facts => {
    const value = builtIn(facts, field);
    return typeof value === 'string' && asks(value);
  };
}

function aboutLabels(test: TextTest): Predicate {
  if (test.op === '=') return facts => facts.labels.has(test.value);
  const asks = compileTextTest(test);
  return facts => {
    for (const label of facts.labels) if (asks(label)) return true;
    return false;
  };
}

function sized(asks: Asks<number>): Predicate {
  return facts => asks(facts.size);
}

function modified({ from, to }: Period): Predicate {
  return facts => facts.mtimeMs >= from && facts.mtimeMs < to;
}

/** An age turns from young to old once, this long after the time that it counts from. */
export function turnsAfter(op: Order, ms: number): number {
  return op === '<' || op === '>=' ? ms : ms + 1;
}

export function wantsOld(op: Order): boolean {
  return op === '>' || op === '>=';
}

function aged(op: Order, ms: number): Predicate {
  const [after, old] = [turnsAfter(op, ms), wantsOld(op)];
  return (facts, clock) => isOld(facts.mtimeMs + after, clock) === old;
}

/** What was never read was last read infinitely long ago. */
function accessed(op: Order, ms: number): Predicate {
  const [after, old] = [turnsAfter(op, ms), wantsOld(op)];
  return ({ accessedMs }, clock) => (accessedMs === undefined || isOld(accessedMs + after, clock)) === old;
}

function isOld(at: number, clock: Clock): boolean {
  if (clock.now >= at) return true;
  if (at < clock.due) clock.due = at;
  return false;
}

function aboutProperty(name: string, test: TextTest): Predicate {
  const asks = compileValueTest(test);
  return ({ properties }) => {
    // Names such as `constructor` are on every object.
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) return false;
    return typeof property === 'object' ? property.some(asks) : asks(property);
  };
}

function presence(field: string): Predicate {
  switch (field) {
    case 'label':
      return facts => facts.labels.size > 0;
    case 'accessed':
      return facts => facts.accessedMs !== undefined;
    case 'ext':
    case 'dir':
      return facts => builtIn(facts, field) !== undefined;
    default:
      if (BUILT_IN_FIELDS.includes(field)) return () => true;
      return ({ properties }) => Object.hasOwn(properties, field) && hasValue(properties[field]);
  }
}

function hasValue(property: Property | undefined): boolean {
  return typeof property === 'object' ? property.length > 0 : property !== undefined;
}
