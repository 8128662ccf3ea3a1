/** Opens the way to remote contents for a command, when the first of them is wanted, and closes it again. */

import type { Sources } from '../src/catalog/sources.js';
import { loadConfig } from '../src/config/config.js';
import type { OpenRemoteContents } from '../src/volume/contents.js';
import type { RemoteContents, RemoteOptions } from '../src/volume/remote-contents.js';
import type { CommandContext } from './command.js';
import { describeFailure } from './failure.js';

export interface RemoteAccess {
  open: OpenRemoteContents;
  close(): Promise<void>;
}

export interface RemoteAccessOptions
  extends Pick<RemoteOptions, 'limitRate' | 'cacheOnly' | 'onChanged' | 'onDamaged'> {
  /** A cache that cannot be opened is an error, and not only a warning. */
  needsCache?: boolean;
  /** When closing is not to wait for anything; when the command is to stop, if left out. */
  signal?: AbortSignal;
}

export function remoteAccess(
  sources: Sources,
  { home, warn, signal }: CommandContext,
  { needsCache = false, ...options }: RemoteAccessOptions = {},
): RemoteAccess {
  let opened: Promise<RemoteContents> | undefined;
  const open = async () => {
    const { RemoteContents } = await import('../src/volume/remote-contents.js');
    const { cache, mounts } = await loadConfig(home);
    const { maxSize, minFree, maxAge } = cache;
    return new RemoteContents(sources, {
      directory: home.cacheDir,
      limits: { maxSize, minFree, maxAge },
      mounts,
      signal,
      onUncached: needsCache
        ? undefined
        : error => {
            const { message, hint } = describeFailure(error);
            warn(`${message}; everything comes from its source, and is not kept`, hint);
          },
      ...options,
    });
  };
  return {
    open: () => {
      opened ??= open();
      return opened;
    },
    close: async () => (await opened)?.close(),
  };
}
