/** `facet cache clear`. */
import { command } from '../command.js';
import { evictedText } from './evicted.js';
import { openCache } from './open.js';

export default command({
  description:
    'Removes everything from the cache that is neither pinned nor being read. Nothing is lost: what is read again is downloaded again.',
  async run({ home, output }) {
    const cache = await openCache(home, 'write');
    try {
      await output.done(cache.clear(), evicted => evictedText('removed', evicted));
    } finally {
      cache.close();
    }
  },
});
