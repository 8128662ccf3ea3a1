/**
 * Which files of a source are listed: `include` and `exclude` globs of the source, and `.facetignore` files in its folders,
 * which have the syntax of `.gitignore` and hold for their folder and everything below.
 *
 * A glob without a slash is matched against the name, at any depth; one with a slash against the path below the source.
 */
import ignore, { type Ignore } from 'ignore';
import picomatch from 'picomatch';

export const IGNORE_FILE = '.facetignore';

type Match = (path: string) => boolean;

/** The rules of one `.facetignore`, and those of the folders above. */
export interface IgnoreScope {
  folder: string;
  rules: Ignore;
  above: IgnoreScope | undefined;
}

export interface Filter {
  /** Is the folder entered? */
  folder(path: string, scope: IgnoreScope | undefined): boolean;
  /** Is the file listed? */
  file(path: string, scope: IgnoreScope | undefined): boolean;
}

export function compileFilter(include: readonly string[], exclude: readonly string[]): Filter {
  const included = include.length > 0 ? anyOf(include) : undefined;
  const excluded = exclude.length > 0 ? anyOf(exclude) : undefined;
  return {
    folder: (path, scope) => !excluded?.(path) && !isIgnored(`${path}/`, scope),
    file: (path, scope) => !excluded?.(path) && included?.(path) !== false && !isIgnored(path, scope),
  };
}

/** A glob that ends in a slash means the folder, as in `.gitignore`. */
function anyOf(globs: readonly string[]): Match {
  const matches = globs.map(glob => {
    const pattern = glob.replace(/^\/+|\/+$/g, '');
    const rooted = pattern.includes('/') || glob.startsWith('/');
    return picomatch(pattern, { dot: true, basename: !rooted });
  });
  return path => matches.some(match => match(path));
}

/** Adds the rules of a `.facetignore` in `folder` to those above it. */
export function openScope(folder: string, text: string, above: IgnoreScope | undefined): IgnoreScope {
  return { folder, rules: ignore().add(text), above };
}

/** The innermost file that says anything about the path decides, as in git. */
function isIgnored(path: string, scope: IgnoreScope | undefined): boolean {
  for (let each = scope; each; each = each.above) {
    const relative = each.folder === '' ? path : path.slice(each.folder.length + 1);
    const { ignored, unignored } = each.rules.test(relative);
    if (ignored || unignored) return ignored;
  }
  return false;
}
