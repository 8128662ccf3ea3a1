/** An unplugged disk leaves an empty folder behind, a broken script half of one: neither is a reason to forget files. */
import type { SourceRecord } from '../catalog/sources.js';
import { FacetError } from '../errors.js';

/** A source of no more files than this may lose any number of them at once. */
const GUARD_FROM = 100;

export interface Shrinking {
  /** Not even one file can be believed to be gone. */
  isDoubtful?: boolean;
  deletions: number;
  /** Files that were known and are still there. */
  kept: number;
  /** Files that were found, known or not. */
  found: number;
  /** Where they were looked for. */
  path: string;
  /** What the user may have overlooked. */
  question: string;
}

/** Why nothing is to be deleted when most files of a source, or all, seem to be gone; undefined when it may be. */
export function shrinkRefusal({ name }: SourceRecord, shrinking: Shrinking): FacetError | undefined {
  const { isDoubtful, deletions, kept, found, path, question } = shrinking;
  const total = kept + deletions;
  const most = total > GUARD_FROM && deletions > total / 2;
  if (deletions === 0 || !(isDoubtful || most || found === 0)) return undefined;
  return new FacetError(
    'failed',
    `${deletions} of the ${total} files of ${name} are gone; nothing was deleted`,
    {
      path,
      hint: `${question} If they are meant to be gone: facet index scan ${name} --allow-shrink`,
    },
  );
}
