/**
 * The kinds of values that options and arguments take: how each is read from the command line, and what a shell can
 * offer for it. An error says what was expected and found; the parser puts the option's name before it. Pure.
 */
import { parseDuration, parseSize } from '../src/config/units.js';
import { FacetError } from '../src/errors.js';
import { type ByteRange, parseRange } from '../src/volume/range.js';
import type { Kind } from './command.js';

export const text: Kind<string> = { parse: value => value };

/** An existing file, or one to write. */
export const file: Kind<string> = { parse: nonEmpty, completes: 'file' };
export const directory: Kind<string> = { parse: nonEmpty, completes: 'directory' };
/** A path or glob in the tree. */
export const path: Kind<string> = { parse: nonEmpty, completes: 'path' };
/** The name of a source. */
export const source: Kind<string> = { parse: nonEmpty, completes: 'source' };

/** What a file is labelled with. */
export const label: Kind<string> = {
  parse(value) {
    if (/^[^\p{Cc}]{1,200}$/u.test(value) && value.trim() === value) return value;
    throw new FacetError('usage', `expected a label, found '${value}'`, {
      hint: 'a label has no control characters and no spaces at its ends, and at most 200 letters',
    });
  },
};

/** Bytes. */
export const size: Kind<number> = { parse: parseSize };
/** Bytes a second. */
export const rate: Kind<number> = {
  parse(value) {
    const perSecond = parseSize(value);
    if (perSecond > 0) return perSecond;
    throw new FacetError('usage', `expected more than nothing a second, such as 5MB, found '${value}'`, {
      hint: 'leave the option out for no limit',
    });
  },
};
/** Milliseconds. */
export const duration: Kind<number> = { parse: parseDuration };

/** Permission bits, as chmod(1) and umask(1) write them. */
export const octal: Kind<number> = {
  parse(value) {
    if (/^[0-7]{1,4}$/.test(value)) return Number.parseInt(value, 8);
    throw new FacetError('usage', `expected an octal number such as 022, found '${value}'`);
  },
};

/** `A-B`, `A-` or `-N`. */
export const range: Kind<ByteRange> = { parse: parseRange };

/** A whole number within bounds, both included. */
export function count(least = 0, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return {
    parse(value) {
      const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw new FacetError('usage', `expected a whole number ${range}, found '${value}'`);
    },
  };
}

export function oneOf<const Choice extends string>(...choices: readonly Choice[]): Kind<Choice> {
  return {
    choices,
    parse(value) {
      const choice = choices.find(known => known === value);
      if (choice !== undefined) return choice;
      throw new FacetError('usage', `expected one of ${choices.join(', ')}, found '${value}'`);
    },
  };
}

// An unset shell variable arrives as an empty argument; taken as a path it would mean the current directory.
function nonEmpty(value: string): string {
  if (value !== '') return value;
  throw new FacetError('usage', 'expected a name, found an empty value');
}
