/** `facet cache …`: contents from afar that are kept on this machine. */
import { entry, group } from '../command.js';

export default group({
  commands: {
    status: entry('how much is cached, and how much may be', () => import('./status.js')),
    ls: entry('list what is cached', () => import('./ls.js')),
    warm: entry('bring files into the cache before they are read', () => import('./warm.js')),
    pin: entry('keep files in the cache, whatever else comes', () => import('./pin.js')),
    unpin: entry('let pinned files go again', () => import('./unpin.js')),
    evict: entry('remove what was not read for long, or is too much', () => import('./evict.js')),
    verify: entry('check every cached byte', () => import('./verify.js')),
    clear: entry('remove everything that is neither pinned nor open', () => import('./clear.js')),
  },
});
