/** Globs, the same everywhere: `*`, `?`, `[abc]`, `{a,b}` and `**`. Everything else means itself, hidden names too. */
import picomatch from 'picomatch';
import { errorMessage, FacetError } from '../errors.js';

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
  try {
    return picomatch(withLiterals(glob), { ...GLOB_OPTIONS, basename });
  } catch (error) {
    throw new FacetError('usage', `"${glob}" is not a glob: ${errorMessage(error)}`, {
      cause: error,
      hint: 'a glob is a name or a path with *, ?, [abc], {a,b} or **',
    });
  }
}

export function splitGlob(glob: string): GlobParts {
  return picomatch.scan(withLiterals(glob));
}

/** Parentheses and plus signs are part of many titles, `Heat (1995)`; picomatch gives them, `|` and quotes a meaning. */
export function withLiterals(glob: string): string {
  return glob.replace(/\\.|[()"|+]/gs, found => (found.length === 1 ? `\\${found}` : found));
}
