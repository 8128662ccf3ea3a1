/** Why a file is where it is: what every mount makes of it, step by step, with the values that its template asked for. */

import type { Clock } from '../query/compile.js';
import type { Facts, Value } from '../query/facts.js';
import { render } from './expand.js';
import { BY_DEFAULT, BY_WHERE, decide, type Filter, passes } from './filter.js';
import type { DirectoryRule, MountRule } from './rules.js';
import { type Directory, judge, type Mount, type Ruleset, type Verdict } from './ruleset.js';

/** A query that was asked of the file, and what it said. */
export interface AskedQuery {
  /** In rules.yaml. */
  line: number;
  what: 'where' | 'step' | 'default';
  query: string | null;
  matches: boolean;
  /** What that decided; null when it went on to the next one. */
  decides: 'include' | 'exclude' | null;
}

export interface ExplainedMount {
  name: string;
  line: number;
  /** `shadowed`: a mount before this one took the file. */
  verdict: 'placed' | 'otherwise' | 'shadowed' | 'not from here' | 'excluded' | 'missing value';
  /** Below the root of the tree, with a leading slash: what the mount asks for. */
  paths: string[];
  asked: AskedQuery[];
  template: string;
  /** What the values that the template asks for are, as it asks for them (`mtime:YYYY`); null for what is missing. */
  values: Record<string, Value | null>;
}

export interface ExplainedDirectory {
  path: string;
  line: number;
  mounts: ExplainedMount[];
}

export function explain(ruleset: Ruleset, facts: Facts, now: number): ExplainedDirectory[] {
  const clock = { now, due: Number.POSITIVE_INFINITY };
  return ruleset.directories.map(directory => ({
    path: `/${directory.rule.path}`,
    line: directory.rule.line,
    mounts: explainMounts(directory, facts, clock),
  }));
}

function explainMounts(directory: Directory, facts: Facts, clock: Clock): ExplainedMount[] {
  let isTaken = false;
  return directory.mounts.map(mount => {
    const verdict = judge(directory, mount, facts, clock);
    const isShadowed = verdict.taken && isTaken && directory.rule.pick === 'first';
    if (verdict.taken) isTaken = true;
    const isFromHere = verdict.taken || verdict.because !== 'origin';
    return {
      name: mount.rule.name,
      line: mount.rule.line,
      verdict: isShadowed ? 'shadowed' : wordFor(verdict),
      paths: verdict.taken ? verdict.paths.map(path => pathBelow(directory.rule, path)) : [],
      asked: isFromHere ? asked(directory, mount, facts, clock) : [],
      ...templateOf(mount, verdict, facts),
    };
  });
}

function pathBelow({ path: directory }: DirectoryRule, path: string): string {
  return directory === '' ? `/${path}` : `/${directory}/${path}`;
}

function wordFor(verdict: Verdict): ExplainedMount['verdict'] {
  if (verdict.taken) return verdict.otherwise ? 'otherwise' : 'placed';
  switch (verdict.because) {
    case 'origin':
      return 'not from here';
    case 'filter':
      return 'excluded';
    case 'missing':
      return 'missing value';
  }
}

/** Every query up to the one that excludes the file. */
function asked(directory: Directory, mount: Mount, facts: Facts, clock: Clock): AskedQuery[] {
  const all: AskedQuery[] = [];
  const filters = mount.filter
    ? [...directory.filters, { filter: mount.filter, of: mount.rule }]
    : directory.filters;
  for (const { filter, of } of filters) {
    const decidedBy = decide(filter, facts, clock);
    all.push(...askedBy(filter, of, decidedBy));
    if (!passes(filter, decidedBy)) break;
  }
  return all;
}

function* askedBy(
  filter: Filter,
  { line }: DirectoryRule | MountRule,
  decidedBy: number,
): Generator<AskedQuery> {
  const { where, steps, default: rest } = filter.rule;
  if (where !== undefined) {
    const matches = decidedBy !== BY_WHERE;
    yield { line, what: 'where', query: where, matches, decides: matches ? null : 'exclude' };
    if (!matches) return;
  }
  const last = decidedBy === BY_DEFAULT ? steps.length : decidedBy + 1;
  for (const [nth, { match, then, line: at }] of steps.slice(0, last).entries()) {
    const matches = nth === decidedBy;
    yield { line: at, what: 'step', query: match, matches, decides: matches ? then : null };
  }
  if (decidedBy === BY_DEFAULT && steps.length > 0) {
    yield { line, what: 'default', query: null, matches: true, decides: rest };
  }
}

function templateOf(
  { rule, place, otherwise }: Mount,
  verdict: Verdict,
  facts: Facts,
): Pick<ExplainedMount, 'template' | 'values'> {
  const used = verdict.taken && verdict.otherwise ? otherwise : place;
  if (used === undefined || typeof used === 'string') return { template: rule.place, values: {} };
  const values = used.references.map(each => [each.written, render(each, facts) ?? null] as const);
  return { template: used.text, values: Object.fromEntries(values) };
}
