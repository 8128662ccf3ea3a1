/** A local folder that is watched: the main thread's side of `watch-thread.ts`. */
import { isRemote } from '../../sources/open-remote.js';
import type { Kind } from '../keeper.js';

export const watched: Kind = {
  keeps: ({ uri, options }, named) => !isRemote(uri) && (named || options.watch === true),
  start: () => ({ stop: async () => {} }),
};
