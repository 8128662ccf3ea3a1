/** `facet cache status`: what is cached, and how much room it takes. Reads only. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CacheStatus } from '../../src/cache/status.js';
import { loadConfig } from '../../src/config/config.js';
import type { Home } from '../../src/config/home.js';
import { command } from '../command.js';
import { formatItems, formatSize } from '../format.js';
import { printable } from '../terminal.js';

/** And where blobs are kept. */
interface PlacedStatus extends CacheStatus {
  directory: string;
}

export default command({
  description:
    'Shows what is kept of contents from afar. Files of local folders are read where they are and never cached, so as long as all sources are local the cache is empty.',
  async run({ home, output }) {
    const { maxSize, minFree } = (await loadConfig(home)).cache;
    await output.result(
      { directory: home.cacheDir, ...(await statusIn(home, { maxSize, minFree })) },
      toText,
    );
  },
});

/** Where there is no cache yet, nothing is cached; what reads one is not loaded for that. */
async function statusIn(home: Home, limits: { maxSize: number; minFree: number }): Promise<CacheStatus> {
  if (existsSync(join(home.cacheDir, 'index.db'))) {
    const { statusOf } = await import('../../src/cache/status.js');
    return statusOf(home.cacheDir, limits);
  }
  const nothing = { blobs: 0, bytes: 0, pinned: 0, pins: 0, hits: 0, misses: 0 };
  return { ...nothing, ...limits, free: freeBytes(home.cacheDir) };
}

/** Of the nearest folder above that exists. */
function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return directory === dirname(directory) ? 0 : freeBytes(dirname(directory));
  }
}

function toText({ directory, blobs, bytes, pinned, pins, maxSize, free }: PlacedStatus): string {
  const kept = pinned === 0 ? '' : `, ${formatSize(pinned)} of it pinned`;
  return [
    printable(directory),
    `  ${formatItems(blobs, 'blob')}, ${formatSize(bytes)} of at most ${formatSize(maxSize)}${kept}; ${formatSize(free)} free on the disk`,
    ...(pins === 0 ? [] : [`  ${formatItems(pins, 'file')} pinned: facet cache ls --pinned`]),
  ].join('\n');
}
