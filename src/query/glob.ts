/** Globs, the same everywhere: `*`, `?`, `[abc]`, `{a,b}` and `**`. Everything else means itself, hidden names too. */
import { lazyPackage } from '../config/lazy-package.js';
import { errorMessage, FacetError } from '../errors.js';

export const picomatch = lazyPackage<typeof import('picomatch')>('picomatch');

export type Match = (text: string) => boolean;

export interface GlobParts {
  /** The folders before the first special character; may hold backslashes. */
  base: string;
  glob: string;
  isGlob: boolean;
}

/**
 * Without `flags: 's'`, a name with a newline would escape some globs; without `debug`, a wrong one would match nothing,
 * unsaid. The fast paths take `C++` for a C and any number of pluses.
 */
export const GLOB_OPTIONS = {
  dot: true,
  flags: 's',
  debug: true,
  nonegate: true,
  noextglob: true,
  fastpaths: false,
} as const;

/** Compiles a glob for paths, or for the last name of each path (`basename`). Throws `usage` for a malformed one. */
export function compileGlob(glob: string, basename = false): Match {
  refuseHostile(glob);
  try {
    return picomatch()(withLiterals(glob), { ...GLOB_OPTIONS, basename });
  } catch (error) {
    // Of the expression that was made of it, users know nothing.
    const why = errorMessage(error).replace(/^Invalid regular expression: .*: /s, '');
    throw new FacetError('usage', `"${glob}" is not a glob: ${why}`, {
      cause: error,
      hint: 'a glob is a name or a path with *, ?, [abc], {a,b} or **',
    });
  }
}

// Bounds the time that picomatch takes.
const LONGEST = 1000;

function refuseHostile(glob: string): void {
  if (glob.length > LONGEST)
    throw new FacetError('usage', `a glob has at most ${LONGEST} characters`, { hint: 'use several globs' });
  // At the end of a glob, picomatch would never return from them.
  if (glob.includes('\\\\\\'))
    throw new FacetError('usage', `"${glob}" is not a glob: it has three backslashes in a row`, {
      hint: 'two stand for one backslash in a name',
    });
}

export function splitGlob(glob: string): GlobParts {
  return picomatch().scan(withLiterals(glob));
}

/** Parentheses and plus signs are part of many titles, `Heat (1995)`; picomatch gives them, `|`, quotes and `\d` a meaning. */
export function withLiterals(glob: string): string {
  return glob.replace(/\\(.)|[()"|+]/gs, (found, escaped?: string) => {
    if (escaped === undefined) return `\\${found}`;
    return /[!-/:-@[-`{-~]/.test(escaped) ? found : escaped;
  });
}
