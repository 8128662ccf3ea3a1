/** What a look at a source changed, in words. */
import { formatCount } from '../format.js';

type Counts = Readonly<Record<'added' | 'modified' | 'renamed' | 'deleted', number>>;

/** `3 added, 1 deleted` */
export function changesText(counts: Counts): string {
  const changes = (['added', 'modified', 'renamed', 'deleted'] as const)
    .filter(kind => counts[kind] > 0)
    .map(kind => `${formatCount(counts[kind])} ${kind}`);
  return changes.join(', ') || 'no changes';
}
