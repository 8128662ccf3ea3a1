/**
 * The rules as plain data: what rules.yaml says once it is read, with defaults filled in and lines noted. It is kept in
 * the catalog as JSON, so that a process which writes needs neither YAML nor a schema to know how the tree is arranged.
 *
 * The room reads rules.yaml (document.ts) and asks catalogs; it writes neither. Putting rules into force is tree/apply-rules.ts.
 */

/** A source, or a folder of one. `source` is null for every source; `prefix` is '' or ends in a slash. */
export interface Origin {
  source: string | null;
  prefix: string;
}

export interface Step {
  /** A query. */
  match: string;
  then: 'include' | 'exclude';
  line: number;
}

/** Which files: those that `where` matches, if the first step that matches them, or else the `default`, includes them. */
export interface FilterRule {
  where: string | undefined;
  steps: readonly Step[];
  default: 'include' | 'exclude';
}

export interface MountRule extends FilterRule {
  /** Its own, or its number in the directory, from 1. */
  name: string;
  from: readonly Origin[];
  /** `keep`, `flat` or a template. */
  place: string;
  otherwise: string | undefined;
  collide: 'suffix' | 'newest';
  /** In rules.yaml, from 1. */
  line: number;
}

export interface DirectoryRule extends FilterRule {
  /** In the tree, without leading or trailing slash; '' is the root. */
  path: string;
  /** Do `where` and `steps` bind the directories below as well? */
  inherit: boolean;
  pick: 'all' | 'first';
  /** None: the directory is there for those below it. */
  mounts: readonly MountRule[];
  line: number;
}

export interface LabelRule {
  source: string;
  prefix: string;
  labels: readonly string[];
  line: number;
}

export interface Rules {
  labels: readonly LabelRule[];
  /** None: the default arrangement, `/{source}/{path}`. */
  directories: readonly DirectoryRule[];
}

/** Reads what `JSON.stringify` made of rules. */
export function readRules(document: string): Rules {
  const rules: Rules = JSON.parse(document);
  return rules;
}
