/** Pins the present versions of files, or unpins all versions of them. */
import type { FileRecord } from '../../src/catalog/files.js';
import type { Home } from '../../src/config/home.js';
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
    if (change === 'pin') await pin(home, files);
    else await unpin(home, files);
    return files.length;
  } finally {
    volume.close();
  }
}

async function pin(home: Home, files: readonly FileRecord[]): Promise<void> {
  const cache = await openCache(home, 'write');
  try {
    cache.pin(files.map(contentKey));
  } finally {
    cache.close();
  }
}

/** Also on a disk that is full of what is pinned. */
async function unpin(home: Home, files: readonly FileRecord[]): Promise<void> {
  const cache = await openCache(home, 'brief');
  try {
    cache?.unpin(files.flatMap(file => cache.pinned(versionsPrefix(file))));
  } finally {
    cache?.close();
  }
}
