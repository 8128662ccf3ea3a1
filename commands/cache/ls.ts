/** `facet cache ls`: what is cached. */
import { type CachedContents, listOf } from '../../src/cache/listing.js';
import { command } from '../command.js';
import { formatSize } from '../format.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { type Origin, originsOf } from './origin.js';

interface CachedFile extends Origin {
  size: number;
  /** Bytes on the disk. */
  cached: number;
  whole: boolean;
  pinned: boolean;
  lastRead: string;
}

export default command({
  description:
    'Lists the files of which something is cached: how much of each, whether it is pinned, and when it was read last.',
  examples: [
    { command: 'facet cache ls --json | jq -r "select(.whole) | .origin"', says: 'what is there as a whole' },
  ],
  async run({ home, output }) {
    const volume = await openVolume(home);
    try {
      await output.rows(cached(listOf(home.cacheDir), originsOf(volume.sources)), toText);
    } finally {
      volume.close();
    }
  },
});

function* cached(
  contents: Iterable<CachedContents>,
  originOf: (key: string) => Origin,
): Generator<CachedFile> {
  for (const { key, size, room, isWhole, isPinned, accessedAt } of contents) {
    yield {
      ...originOf(key),
      ...{ size, cached: room, whole: isWhole, pinned: isPinned },
      lastRead: new Date(accessedAt).toISOString(),
    };
  }
}

function toText({ origin, size, cached: bytes, whole, pinned }: CachedFile): string {
  const share = whole ? formatSize(size) : `${formatSize(bytes)} of ${formatSize(size)}`;
  return `${share.padStart(18)}  ${printable(origin)}${pinned ? '  (pinned)' : ''}`;
}
