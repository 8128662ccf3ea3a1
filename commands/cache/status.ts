/** `facet cache status`: what is cached, and how much room it takes. Reads only. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadConfig } from '../../src/config/config.js';
import { command } from '../command.js';
import { formatSize } from '../format.js';

interface CacheStatus {
  /** Where blobs are kept. */
  directory: string;
  blobs: number;
  bytes: number;
  maxSize: number;
  minFree: number;
  /** Free bytes on the disk of the directory, for this user. */
  free: number;
}

export default command({
  description:
    'Shows what is kept of contents from afar. Files of local folders are read where they are and never cached, so as long as all sources are local the cache is empty.',
  async run({ home, output }) {
    const { maxSize, minFree } = (await loadConfig(home)).cache;
    const status = {
      directory: home.cacheDir,
      blobs: 0,
      bytes: 0,
      maxSize,
      minFree,
      free: freeBytes(home.cacheDir),
    };
    await output.result(status, toText);
  },
});

/** Of the nearest folder above that exists. */
function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return directory === dirname(directory) ? 0 : freeBytes(dirname(directory));
  }
}

function toText({ directory, blobs, bytes, maxSize, free }: CacheStatus): string {
  return [
    `${directory}`,
    `  ${blobs} blobs, ${formatSize(bytes)} of at most ${formatSize(maxSize)}; ${formatSize(free)} free on the disk`,
  ].join('\n');
}
