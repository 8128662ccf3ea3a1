/**
 * The ways to a file's bytes, in the order in which they are tried: a disk of this machine; the cache, which has checksums and
 * never hangs; a folder of this machine that shows the same files as their source does (`mounts:` in config.yaml), perhaps over
 * the network; the source itself.
 */
import type { FileLocation } from '../catalog/files.js';
import { contentKey } from './content-key.js';
import type { Volume } from './volume.js';

export type Tier = 'local' | 'cache' | 'mount' | 'remote';

export interface Looks {
  /** How many of its bytes are in the cache. */
  cachedBytes(key: string, size: number): number;
  /** Is it in a folder that is mapped? */
  isNear(file: FileLocation): boolean;
}

/** Where a read of the whole file would find its bytes. */
export function tierOf(volume: Volume, file: FileLocation, { cachedBytes, isNear }: Looks): Tier {
  if (!volume.isRemote(file.sourceId)) return 'local';
  if (file.size > 0 && cachedBytes(contentKey(file), file.size) === file.size) return 'cache';
  return isNear(file) ? 'mount' : 'remote';
}
