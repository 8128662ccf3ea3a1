/** Which files a directory or a mount lets through: its query, then its steps. */

import { type Clock, compilePredicate, type Predicate } from '../query/compile.js';
import type { Facts } from '../query/facts.js';
import { parseQuery } from '../query/parse.js';
import type { FilterRule, Step } from './rules.js';

export interface Filter {
  rule: FilterRule;
  where: Predicate | undefined;
  steps: readonly { matches: Predicate; includes: boolean; step: Step }[];
  includesRest: boolean;
}

/** What decided about a file: `where`, the step of this number from 0, or the default. */
export const BY_WHERE = -2;
export const BY_DEFAULT = -1;

/** Undefined for a filter that lets everything through. Throws `usage` for a malformed query. */
export function compileFilter(rule: FilterRule): Filter | undefined {
  if (rule.where === undefined && rule.steps.length === 0 && rule.default === 'include') return undefined;
  return {
    rule,
    where: rule.where === undefined ? undefined : compilePredicate(parseQuery(rule.where)),
    steps: rule.steps.map(step => ({
      matches: compilePredicate(parseQuery(step.match)),
      includes: step.then === 'include',
      step,
    })),
    includesRest: rule.default === 'include',
  };
}

/** The number of what decides about a file. */
export function decide(filter: Filter, facts: Facts, clock: Clock): number {
  if (filter.where && !filter.where(facts, clock)) return BY_WHERE;
  const { steps } = filter;
  for (let nth = 0; nth < steps.length; nth++) if (steps[nth]?.matches(facts, clock)) return nth;
  return BY_DEFAULT;
}

export function passes(filter: Filter, decidedBy: number): boolean {
  if (decidedBy === BY_WHERE) return false;
  return decidedBy === BY_DEFAULT ? filter.includesRest : filter.steps[decidedBy]?.includes === true;
}
