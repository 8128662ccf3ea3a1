/** What rules make of all files: how many each mount takes, what it does without, and which files are left. */
import type { Database } from 'better-sqlite3';
import { FileFacts } from '../catalog/facts.js';
import { allFiles, originOf } from '../catalog/files.js';
import type { Clock } from '../query/compile.js';
import type { Facts } from '../query/facts.js';
import type { MountRule } from './rules.js';
import { type Directory, judge, type Ruleset } from './ruleset.js';

export interface MountCounts {
  /** Files that the mount places. */
  taken: number;
  /** Of those, by `otherwise`. */
  otherwise: number;
  /** Files that it would place, had no mount before it done so. */
  shadowed: number;
  /** Files that it cannot place for want of a value. */
  missing: number;
}

export interface Survey {
  files: number;
  /** Files that no mount takes. */
  nowhere: number;
  /** One of them, `docs:work/a.pdf`. */
  nowhereExample: string | undefined;
  mounts: ReadonlyMap<MountRule, MountCounts>;
}

export function survey(db: Database, ruleset: Ruleset, now: number): Survey {
  const clock = { now, due: Number.POSITIVE_INFINITY };
  const facts = new FileFacts(db, ruleset.rules.labels);
  const mounts = new Map<MountRule, MountCounts>();
  for (const { mounts: all } of ruleset.directories) {
    for (const { rule } of all) mounts.set(rule, { taken: 0, otherwise: 0, shadowed: 0, missing: 0 });
  }
  const result = { files: 0, nowhere: 0, nowhereExample: undefined as string | undefined };
  for (const file of allFiles(db)) {
    const known = facts.of(file);
    let isTaken = false;
    for (const directory of ruleset.directories) {
      if (countIn(directory, known, clock, mounts)) isTaken = true;
    }
    result.files++;
    if (isTaken) continue;
    result.nowhere++;
    result.nowhereExample ??= originOf(file);
  }
  return { ...result, mounts };
}

/** Does any mount of the directory take the file? */
function countIn(
  directory: Directory,
  facts: Facts,
  clock: Clock,
  counts: ReadonlyMap<MountRule, MountCounts>,
): boolean {
  let isTaken = false;
  for (const mount of directory.mounts) {
    const count = counts.get(mount.rule);
    const verdict = judge(directory, mount, facts, clock);
    if (!count) continue;
    if (!verdict.taken) {
      if (verdict.because === 'missing') count.missing++;
    } else if (isTaken && directory.rule.pick === 'first') count.shadowed++;
    else {
      count.taken++;
      if (verdict.otherwise) count.otherwise++;
      isTaken = true;
    }
  }
  return isTaken;
}
