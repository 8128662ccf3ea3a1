/** Pins the present versions of the files that paths mean, or unpins all versions of them. Files of local folders need no pin: they are not cached. */
import { FacetError } from '../../src/errors.js';
import { contentKey, versionsPrefix } from '../../src/volume/content-key.js';
import type { CommandContext } from '../command.js';
import { filesOf } from '../index/files.js';
import { openVolume } from '../volume.js';
import { openCache } from './open.js';

/** Returns how many files there were. */
export async function changePins(
  { home }: CommandContext,
  paths: readonly string[],
  change: 'pin' | 'unpin',
): Promise<number> {
  const volume = await openVolume(home);
  try {
    const files = [...filesOf(volume, paths)].filter(({ sourceId }) => volume.isRemote(sourceId));
    if (files.length === 0) {
      throw new FacetError('usage', 'none of these files is at a remote source', {
        hint: 'files of local folders are read where they are and never cached',
      });
    }
    const cache = await openCache(home, 'write');
    try {
      if (change === 'pin') cache.pin(...files.map(contentKey));
      else cache.unpin(...files.flatMap(file => cache.pinned(versionsPrefix(file))));
    } finally {
      cache.close();
    }
    return files.length;
  } finally {
    volume.close();
  }
}
