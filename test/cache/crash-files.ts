/** What `crash-process.ts` puts into a cache, and those who look at it afterwards expect there. */
import { contentsOf, MiB } from '../support/caches.js';

export interface CrashFile {
  key: string;
  size: number;
  bytes: Buffer;
}

/** They do not all fit. */
export const crashLimits = { maxSize: 12 * MiB, blockThreshold: 2 * MiB };

const SIZES = [0, 1, 5_000, 700_000, 1_500_000, 2 * MiB - 1, 2 * MiB, 3_333_333, 5 * MiB, 7_000_001];

export function crashFiles(): CrashFile[] {
  return SIZES.map(size => ({ key: `file of ${size}`, size, bytes: contentsOf(`file of ${size}`, size) }));
}
