/** `facet cache evict`. */
import { command, option } from '../command.js';
import { formatItems, formatSize } from '../format.js';
import { duration, size } from '../kinds.js';
import { openCache } from './open.js';

export default command({
  description:
    'Removes from the cache what nobody has read for long, and then what was read the longest ago until the rest fits: by the limits of the configuration, or those that are given. Never what is pinned or being read.',
  options: {
    maxAge: option(duration, 'TIME', 'remove what was not read for so long, such as 30d'),
    maxSize: option(size, 'SIZE', 'keep at most so much, such as 1GB'),
  },
  examples: [{ command: 'facet cache evict --max-age 30d --max-size 1GB', says: 'for a nightly cron' }],
  async run({ home, output }, _, { maxAge, maxSize }) {
    const cache = await openCache(home, 'write');
    try {
      const evicted = cache.evict({
        ...(maxAge === undefined ? {} : { maxAge }),
        ...(maxSize === undefined ? {} : { maxSize }),
      });
      await output.result(
        evicted,
        ({ blobs, bytes }) => `evicted ${formatItems(blobs, 'blob')}, ${formatSize(bytes)}`,
      );
    } finally {
      cache.close();
    }
  },
});
