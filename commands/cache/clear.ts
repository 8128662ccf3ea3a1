/** `facet cache clear`. */
import { command } from '../command.js';
import { formatItems, formatSize } from '../format.js';
import { openCache } from './open.js';

export default command({
  description:
    'Removes everything from the cache that is neither pinned nor being read. Nothing is lost: what is read again is downloaded again.',
  async run({ home, output }) {
    const cache = await openCache(home, 'write');
    try {
      await output.result(
        cache.clear(),
        ({ blobs, bytes }) => `removed ${formatItems(blobs, 'blob')}, ${formatSize(bytes)}`,
      );
    } finally {
      cache.close();
    }
  },
});
