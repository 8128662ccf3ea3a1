/** `facet cache ls`: what is cached. */
import { type CachedContents, listOf } from '../../src/cache/listing.js';
import type { Home } from '../../src/config/home.js';
import { fileOfKey } from '../../src/volume/cache-states.js';
import type { Volume } from '../../src/volume/volume.js';
import { command, flag } from '../command.js';
import { formatSize } from '../format.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { inCache } from './open.js';
import { type Origin, originsOf } from './origin.js';

interface CachedFile extends Origin {
  /** Null while nothing is there of what is pinned. */
  size: number | null;
  /** Bytes on the disk. */
  cached: number;
  whole: boolean;
  pinned: boolean;
  /** The catalog does not have the file any more, in whatever version. */
  gone: boolean;
  lastRead: string | null;
}

export default command({
  description:
    'Lists the files of which something is cached: how much of each, whether it is pinned or gone from its source, and when it was read last.',
  options: { pinned: flag('only what is pinned, also when nothing of it is there') },
  examples: [
    { command: 'facet cache ls --json | jq -r "select(.whole) | .origin"', says: 'what is there as a whole' },
  ],
  async run({ home, output }, _, { pinned }) {
    const volume = await openVolume(home);
    try {
      const describe = describing(volume);
      const files = pinned ? await pinnedFiles(home, describe) : cached(listOf(home.cacheDir), describe);
      await output.rows(files, toText);
    } finally {
      volume.close();
    }
  },
});

/** What the catalog knows of a key. */
type Describe = (key: string) => Pick<CachedFile, 'origin' | 'version' | 'gone'>;

function describing(volume: Volume): Describe {
  const originOf = originsOf(volume.sources);
  return key => ({ ...originOf(key), gone: fileOfKey(volume, key) === undefined });
}

function* cached(contents: Iterable<CachedContents>, describe: Describe): Generator<CachedFile> {
  for (const { key, size, room, isWhole, isPinned, accessedAt } of contents) {
    yield {
      ...describe(key),
      ...{ size, cached: room, whole: isWhole, pinned: isPinned },
      lastRead: new Date(accessedAt).toISOString(),
    };
  }
}

async function pinnedFiles(home: Home, describe: Describe): Promise<Iterable<CachedFile>> {
  const pins = new Set(await inCache(home, cache => cache?.pinned('')));
  return chosen();

  function* chosen(): Generator<CachedFile> {
    yield* cached(presentOf(pins, listOf(home.cacheDir)), describe);
    const nothing = { size: null, cached: 0, whole: false, pinned: true, lastRead: null };
    for (const key of pins) yield { ...describe(key), ...nothing };
  }
}

/** Takes them out of the pins: what stays there is not cached. */
function* presentOf(pins: Set<string>, contents: Iterable<CachedContents>): Generator<CachedContents> {
  for (const each of contents) if (pins.delete(each.key)) yield each;
}

function toText({ origin, size, cached: bytes, whole, pinned, gone }: CachedFile): string {
  const marks = [...(pinned ? ['pinned'] : []), ...(gone ? ['gone'] : [])];
  const mark = marks.length === 0 ? '' : `  (${marks.join(', ')})`;
  return `${shareText(size, bytes, whole).padStart(18)}  ${printable(origin)}${mark}`;
}

function shareText(size: number | null, bytes: number, whole: boolean): string {
  if (size === null) return 'nothing';
  return whole ? formatSize(size) : `${formatSize(bytes)} of ${formatSize(size)}`;
}
