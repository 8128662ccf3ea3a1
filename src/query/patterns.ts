/**
 * Patterns of queries. A query is asked of millions of names, some of which strangers have chosen: every pattern matches
 * in linear time (RE2), globs too, which picomatch's own expressions do not.
 */
import { lazyPackage } from '../config/lazy-package.js';
import { errorMessage, FacetError } from '../errors.js';
import { compileGlob, GLOB_OPTIONS, type Match, picomatch, withLiterals } from './glob.js';

const re2 = lazyPackage<typeof import('re2js')>('re2js');

/** Finds an expression anywhere in a text; `.` stands for any character. Throws `usage` for a malformed one. */
export function compileRegex(pattern: string, ignoreCase: boolean): Match {
  try {
    const { RE2JS } = re2();
    const regex = RE2JS.compile(pattern, RE2JS.DOTALL | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
    return text => regex.test(text);
  } catch (error) {
    // The flags are shown as part of the expression, before it.
    const why = errorMessage(error)
      .replace(/^error parsing regexp: /, '')
      .replace(/`\(\?s\)(\(\?i\))?/, '`');
    throw new FacetError('usage', `not a regular expression: ${why}`, {
      cause: error,
      hint: 'the syntax is that of RE2: no look-around, no backreferences',
    });
  }
}

/** What picomatch asserts of the names in a path: that they are not empty, `.` or `..`. No file's are. */
const ASSERTIONS = /\(\?!(?:\(\?:\^\|\\\/\))?\\\.\{[01],[12]\}\(\?:\\\/\|\$\)\)|\(\?=\.\)/g;

/** Matches what `compileGlob` matches. Throws `usage` for a malformed glob, and for one that RE2 cannot express. */
export function compileLinearGlob(glob: string): Match {
  return compileSimpleGlob(glob) ?? compileAnyGlob(glob);
}

/** `a.pdf`, `*.pdf` and `work/**`: most globs are such, and need no expression. */
function compileSimpleGlob(glob: string): Match | undefined {
  const literal = literalGlob(glob);
  if (literal !== undefined) return text => text === literal;
  const ending = /^\*([^*?[\]{}\\/]+)$/.exec(glob)?.[1];
  if (ending !== undefined) return text => text.endsWith(ending) && !text.includes('/');
  const folder = /^([^*?[\]{}\\]*[^*?[\]{}\\/])\/\*\*$/.exec(glob)?.[1];
  if (folder !== undefined) return text => text === folder || text.startsWith(`${folder}/`);
  return undefined;
}

function compileAnyGlob(glob: string): Match {
  compileGlob(glob);
  const source = picomatch().makeRe(withLiterals(glob), GLOB_OPTIONS).source.replace(ASSERTIONS, '');
  try {
    const { RE2JS } = re2();
    const regex = RE2JS.compile(source, RE2JS.DOTALL);
    // As picomatch has it: `[1080p].mkv` finds the file of that very name, too.
    const itself = glob.includes('\\') ? undefined : glob;
    return text => text === itself || regex.testExact(text);
  } catch (error) {
    throw new FacetError('usage', `"${glob}" is too complicated a glob`, {
      cause: error,
      hint: 'use a regular expression: name~"…", path~"…"',
    });
  }
}

/** The one text that a glob without special characters matches. */
export function literalGlob(glob: string): string | undefined {
  return /[*?[\]{}\\]/.test(glob) ? undefined : glob;
}
