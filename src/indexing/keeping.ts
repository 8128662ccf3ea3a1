/** How a source is kept live: what of it makes sense for which source. */
import type { SourceOptions } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { isRemote } from '../sources/open-remote.js';
import { isStream } from '../sources/stream-uri.js';

const LEAST_EVERY_MS = 1_000;

/** Is it a folder of this machine? */
export function isFolder(uri: string): boolean {
  return !isRemote(uri) && !isStream(uri);
}

/** Throws `usage` for a remote source that is to be watched, and for an interval that would never let go of it. */
export function checkKeeping(uri: string, { watch, every }: Pick<SourceOptions, 'watch' | 'every'>): void {
  if (watch && !isFolder(uri)) {
    throw new FacetError('usage', `${uri} cannot be watched: it is not a folder of this machine`, {
      hint: isStream(uri)
        ? 'it is followed without that'
        : 'have it scanned on a schedule instead: --every 1h',
    });
  }
  if (every !== undefined && every < LEAST_EVERY_MS) {
    throw new FacetError('usage', 'a source is scanned every second at most', {
      hint: 'such as --every 15m',
    });
  }
}
