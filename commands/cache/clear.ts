/** `facet cache clear`. */
import { command } from '../command.js';
import { evictedText, nothing } from './evicted.js';
import { inCache } from './open.js';

export default command({
  description:
    'Removes everything from the cache that is neither pinned nor being read. Nothing is lost: what is read again is downloaded again.',
  async run({ home, output }) {
    const removed = await inCache(home, cache => cache?.clear() ?? nothing);
    await output.done(removed, each => evictedText('removed', each));
  },
});
