/**
 * Which files of a source are listed: `include` and `exclude` globs of the source, and `.facetignore` files in its folders,
 * which have the syntax of `.gitignore` and hold for their folder and everything below.
 *
 * A glob without a slash is matched against the name, at any depth; one with a slash against the path below the source.
 * One that ends in a slash means a folder: excluded it is not entered, included it is listed with everything below.
 */
import ignore, { type Ignore } from 'ignore';
import { compileGlob, type Match } from '../query/glob.js';

export const IGNORE_FILE = '.facetignore';

/** The rules of one `.facetignore`, and those of the folders above. */
export interface IgnoreScope {
  folder: string;
  text: string;
  rules: Ignore;
  /** Paths that `rules` was asked about. */
  asked: number;
  above: IgnoreScope | undefined;
}

/** `ignore` remembers every path that it was asked about: 260 MB for a million of them. */
const MOST_ASKED = 20_000;

export interface Filter {
  /** Is the folder entered? */
  folder(path: string, scope: IgnoreScope | undefined): boolean;
  /** Is the file listed? */
  file(path: string, scope: IgnoreScope | undefined): boolean;
}

/** Throws `usage` for a malformed glob. */
export function compileFilter(include: readonly string[], exclude: readonly string[]): Filter {
  const included = include.map(compileRule);
  const excluded = exclude.map(compileRule);
  const excludesFile = (path: string) => excluded.some(glob => !glob.folderOnly && glob.matches(path));
  const excludesFolder = (path: string) => excluded.some(glob => glob.matches(path));
  const includes = (path: string) => included.length === 0 || included.some(glob => isIncluded(path, glob));
  return {
    folder: (path, scope) => !excludesFolder(path) && !isIgnored(`${path}/`, scope),
    file: (path, scope) => !excludesFile(path) && includes(path) && !isIgnored(path, scope),
  };
}

interface Rule {
  matches: Match;
  folderOnly: boolean;
}

function compileRule(glob: string): Rule {
  const pattern = glob.replace(/^\/+|\/+$/g, '');
  const rooted = pattern.includes('/') || glob.startsWith('/');
  return { matches: compileGlob(pattern, !rooted), folderOnly: glob.endsWith('/') };
}

function isIncluded(path: string, { matches, folderOnly }: Rule): boolean {
  if (!folderOnly) return matches(path);
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (matches(path.slice(0, end))) return true;
  }
  return false;
}

/** Adds the rules of a `.facetignore` in `folder` to those above it. */
export function openScope(folder: string, text: string, above: IgnoreScope | undefined): IgnoreScope {
  return { folder, text, rules: compileRules(text), asked: 0, above };
}

function compileRules(text: string): Ignore {
  return ignore({ ignorecase: false }).add(text);
}

function ask(scope: IgnoreScope, path: string): { ignored: boolean; unignored: boolean } {
  scope.asked++;
  if (scope.asked % MOST_ASKED === 0) scope.rules = compileRules(scope.text);
  return scope.rules.test(path);
}

/** The innermost file that says anything about the path decides, as in git. */
function isIgnored(path: string, scope: IgnoreScope | undefined): boolean {
  for (let each = scope; each; each = each.above) {
    const relative = each.folder === '' ? path : path.slice(each.folder.length + 1);
    const { ignored, unignored } = ask(each, relative);
    if (ignored || unignored) return ignored;
  }
  return false;
}
