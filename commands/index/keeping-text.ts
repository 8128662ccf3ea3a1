/** How a source is kept live, in words. */
import type { SourceOptions } from '../../src/catalog/sources.js';
import { formatDuration } from '../format.js';

export function keepingText({ watch, every }: Pick<SourceOptions, 'watch' | 'every'>): string {
  const ways = [
    ...(watch ? ['watched'] : []),
    ...(every === undefined ? [] : [`scanned every ${formatDuration(every)}`]),
  ];
  return ways.join(', ') || 'scanned when asked to';
}
