/** `facet cache ls`: what is cached. */
import type { CachedContents } from '../../src/cache/cache.js';
import { command } from '../command.js';
import { formatSize } from '../format.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { openCache } from './open.js';

interface CachedFile {
  /** `films:dune.mkv`; the source is its number where it was removed. */
  origin: string;
  /** Which version of the file: the catalog may know a later one. */
  version: string;
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
    const cache = await openCache(home, 'read');
    try {
      const names = new Map(volume.sources.all().map(({ id, name }) => [String(id), name]));
      await output.rows(cached(cache?.list() ?? [], names), toText);
    } finally {
      cache?.close();
      volume.close();
    }
  },
});

function* cached(
  contents: Iterable<CachedContents>,
  names: ReadonlyMap<string, string>,
): Generator<CachedFile> {
  for (const { key, size, room, isWhole, isPinned, accessedAt } of contents) {
    const [, source = '', path = '', version = ''] = /^(\d+)\/([^\0]*)\0(.*)$/s.exec(key) ?? [];
    yield {
      origin: `${names.get(source) ?? source}:${path}`,
      ...{ version, size, cached: room, whole: isWhole, pinned: isPinned },
      lastRead: new Date(accessedAt).toISOString(),
    };
  }
}

function toText({ origin, size, cached: bytes, whole, pinned }: CachedFile): string {
  const share = whole ? formatSize(size) : `${formatSize(bytes)} of ${formatSize(size)}`;
  return `${share.padStart(18)}  ${printable(origin)}${pinned ? '  (pinned)' : ''}`;
}
