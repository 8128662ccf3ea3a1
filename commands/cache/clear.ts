/** `facet cache clear`. */
import { command } from '../command.js';
import { evictedText, nothing } from './evicted.js';
import { openCache } from './open.js';

export default command({
  description:
    'Removes everything from the cache that is neither pinned nor being read. Nothing is lost: what is read again is downloaded again.',
  async run({ home, output }) {
    const cache = await openCache(home, 'brief');
    try {
      await output.done(cache?.clear() ?? nothing, evicted => evictedText('removed', evicted));
    } finally {
      cache?.close();
    }
  },
});
