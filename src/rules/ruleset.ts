/** Rules that are ready to be asked: for each file, every place where it appears, and why. */

import type { Clock } from '../query/compile.js';
import type { Facts } from '../query/facts.js';
import { expand } from './expand.js';
import { compileFilter, decide, type Filter, passes } from './filter.js';
import { parseTemplate } from './parse-template.js';
import type { DirectoryRule, MountRule, Origin, Rules } from './rules.js';
import type { Template } from './template.js';

export interface Mount {
  rule: MountRule;
  filter: Filter | undefined;
  /** A template, or one of the two words. */
  place: Template | 'keep' | 'flat';
  otherwise: Template | undefined;
}

export interface Directory {
  rule: DirectoryRule;
  /** The filters that bind what it takes, from the outermost directory that hands its own down to its own. */
  filters: readonly { filter: Filter; of: DirectoryRule }[];
  mounts: readonly Mount[];
  /** Two directories with equal keys take and place the same files. */
  key: string;
}

/** A place where a file appears. */
export interface Placed {
  /** In the tree, without leading slash. */
  path: string;
  /** Gives way to a newer file, if that does as well. */
  newest: boolean;
}

/** What a mount makes of a file. */
export type Verdict =
  | { taken: true; paths: readonly string[]; otherwise: boolean }
  | { taken: false; because: 'origin' }
  | { taken: false; because: 'filter'; filter: Filter; of: DirectoryRule | MountRule; decidedBy: number }
  | { taken: false; because: 'missing'; value: string };

const ELSEWHERE: Verdict = { taken: false, because: 'origin' };

export class Ruleset {
  readonly rules: Rules;
  readonly directories: readonly Directory[];

  /** Throws `usage` for malformed queries and templates; rules that were checked have none. */
  constructor(rules: Rules) {
    this.rules = rules;
    this.directories = rules.directories.map(rule => compileDirectory(rule, rules.directories));
  }

  /** Every place where a file appears; the same for the same facts and time, whatever else there is. */
  placements(facts: Facts, clock: Clock): Placed[] {
    const placed: Placed[] = [];
    for (const directory of this.directories) place(directory, facts, clock, placed);
    return placed;
  }
}

/** Adds the places that one directory gives to a file. */
export function place(directory: Directory, facts: Facts, clock: Clock, placed: Placed[]): void {
  for (const mount of directory.mounts) {
    const verdict = judge(directory, mount, facts, clock);
    if (!verdict.taken) continue;
    for (const path of verdict.paths)
      add(placed, below(directory.rule.path, path), mount.rule.collide === 'newest');
    if (directory.rule.pick === 'first') return;
  }
}

/** A file that is placed somewhere twice is there once, and gives way only if it does so both times. */
function add(placed: Placed[], path: string, newest: boolean): void {
  const same = placed.find(each => each.path === path);
  if (same) same.newest &&= newest;
  else placed.push({ path, newest });
}

function below(directory: string, path: string): string {
  return directory === '' ? path : `${directory}/${path}`;
}

export function judge(directory: Directory, mount: Mount, facts: Facts, clock: Clock): Verdict {
  const origin = originOf(mount.rule.from, facts);
  if (!origin) return ELSEWHERE;
  for (const { filter, of } of directory.filters) {
    const decidedBy = decide(filter, facts, clock);
    if (!passes(filter, decidedBy)) return { taken: false, because: 'filter', filter, of, decidedBy };
  }
  if (mount.filter) {
    const decidedBy = decide(mount.filter, facts, clock);
    if (!passes(mount.filter, decidedBy)) {
      return { taken: false, because: 'filter', filter: mount.filter, of: mount.rule, decidedBy };
    }
  }
  return placeIn(mount, origin, facts);
}

/** The first of the origins that the file is from. */
function originOf(origins: readonly Origin[], facts: Facts): Origin | undefined {
  for (const origin of origins) {
    if (origin.source !== null && origin.source !== facts.source) continue;
    if (facts.path.startsWith(origin.prefix)) return origin;
  }
  return undefined;
}

function placeIn(mount: Mount, origin: Origin, facts: Facts): Verdict {
  if (mount.place === 'keep') {
    return { taken: true, paths: [facts.path.slice(origin.prefix.length)], otherwise: false };
  }
  if (mount.place === 'flat') return { taken: true, paths: [facts.name], otherwise: false };
  const expansion = expand(mount.place, facts);
  if ('paths' in expansion) return { taken: true, paths: expansion.paths, otherwise: false };
  const instead = mount.otherwise && expand(mount.otherwise, facts);
  if (instead && 'paths' in instead) return { taken: true, paths: instead.paths, otherwise: true };
  return { taken: false, because: 'missing', value: expansion.missing };
}

function compileDirectory(rule: DirectoryRule, all: readonly DirectoryRule[]): Directory {
  const handedDown = all.filter(each => each.inherit && isAbove(each.path, rule.path));
  handedDown.sort((a, b) => a.path.length - b.path.length);
  const binding = [...handedDown, rule];
  return {
    rule,
    filters: binding.flatMap(of => {
      const filter = compileFilter(of);
      return filter ? [{ filter, of }] : [];
    }),
    mounts: rule.mounts.map(compileMount),
    key: JSON.stringify([rule.path, rule.pick, binding.map(filterKey), rule.mounts.map(mountKey)]),
  };
}

function isAbove(above: string, path: string): boolean {
  return above !== path && (above === '' || path.startsWith(`${above}/`));
}

function compileMount(rule: MountRule): Mount {
  return {
    rule,
    filter: compileFilter(rule),
    place: rule.place === 'keep' || rule.place === 'flat' ? rule.place : parseTemplate(rule.place),
    otherwise: rule.otherwise === undefined ? undefined : parseTemplate(rule.otherwise),
  };
}

/** Without names and lines, which move nothing. */
function filterKey({
  where,
  steps,
  default: rest,
}: Pick<DirectoryRule, 'where' | 'steps' | 'default'>): unknown {
  return [where ?? null, steps.map(step => [step.match, step.then]), rest];
}

function mountKey(rule: MountRule): unknown {
  return [rule.from, filterKey(rule), rule.place, rule.otherwise ?? null, rule.collide];
}
