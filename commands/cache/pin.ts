/** `facet cache pin`. */
import { contentKey } from '../../src/volume/content-key.js';
import { command } from '../command.js';
import { formatItems } from '../format.js';
import { openCache } from './open.js';
import { findWanted, readWanted, refuseNothing, wantedArguments, wantedOptions } from './wanted.js';

export default command({
  description:
    'Keeps the present versions of files in the cache once they are there: they are never evicted. Downloads nothing by itself: facet cache warm does.',
  arguments: wantedArguments,
  options: wantedOptions,
  examples: [
    {
      command: 'facet cache pin /films/Dune.mkv && facet cache warm /films/Dune.mkv',
      says: 'for the journey',
    },
    {
      command: 'facet cache pin --query pinned && facet cache warm --query pinned',
      says: 'from cron: the present versions of what was pinned before it changed',
    },
  ],
  async run({ home, output }, { paths }, { query }) {
    const wanted = readWanted(paths, query);
    refuseNothing(wanted);
    const files = await findWanted(wanted, home);
    const cache = await openCache(home, 'write');
    try {
      cache.pin(files.map(contentKey));
    } finally {
      cache.close();
    }
    const pinned = formatItems(files.length, 'file');
    await output.done({ files: files.length, pinned: true }, () => `pinned ${pinned}`);
  },
});
