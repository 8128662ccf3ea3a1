/** Opens the way to remote contents for a command, when the first of them is wanted, and closes it again. */
import { loadConfig } from '../src/config/config.js';
import type { Home } from '../src/config/home.js';
import type { OpenRemoteContents } from '../src/volume/contents.js';
import type { RemoteContents } from '../src/volume/remote-contents.js';
import type { Volume } from '../src/volume/volume.js';

export interface RemoteAccess {
  open: OpenRemoteContents;
  close(): Promise<void>;
}

/** `limitRate` in bytes a second. */
export function remoteAccess(volume: Volume, home: Home, limitRate?: number): RemoteAccess {
  let opened: Promise<RemoteContents> | undefined;
  const open = async () => {
    const { RemoteContents } = await import('../src/volume/remote-contents.js');
    const { maxSize, minFree, maxAge } = (await loadConfig(home)).cache;
    return new RemoteContents(volume, { directory: home.cacheDir, limits: { maxSize, minFree, maxAge }, limitRate });
  };
  return {
    open: () => {
      opened ??= open();
      return opened;
    },
    close: async () => (await opened)?.close(),
  };
}
