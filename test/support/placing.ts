/** Where a rules.yaml would show a file. */
import { checkDraft, rulesOf } from '../../src/rules/document.js';
import { Ruleset } from '../../src/rules/ruleset.js';
import { factsOf } from './facts.js';

export type Told = Parameters<typeof factsOf>[0];

/** Throws for rules with anything wrong in them. */
export function placing(text: string, sources: readonly string[] = ['media']): (told: Told) => string[] {
  const ruleset = new Ruleset(rulesOf(checkDraft('rules.yaml', text, sources)));
  return told =>
    ruleset
      .placements(factsOf(told), { now: Date.now(), due: Number.POSITIVE_INFINITY })
      .map(({ path }) => path);
}
