/** Pins the present versions of files, or unpins all versions of them. */
import { contentKey, versionsPrefix } from '../../src/volume/content-key.js';
import type { CommandContext } from '../command.js';
import { openVolume } from '../volume.js';
import { openCache } from './open.js';
import { refuseNothing, remoteFiles, type Wanted } from './wanted.js';

/** Returns how many files there were. */
export async function changePins(
  { home }: CommandContext,
  wanted: Wanted,
  change: 'pin' | 'unpin',
): Promise<number> {
  refuseNothing(wanted);
  const volume = await openVolume(home);
  try {
    const files = await remoteFiles(wanted, volume, home);
    const cache = await openCache(home, 'write');
    try {
      if (change === 'pin') cache.pin(files.map(contentKey));
      else cache.unpin(files.flatMap(file => cache.pinned(versionsPrefix(file))));
    } finally {
      cache.close();
    }
    return files.length;
  } finally {
    volume.close();
  }
}
