/** `facet cache pin`. */
import { command } from '../command.js';
import { formatItems } from '../format.js';
import { changePins } from './pins.js';
import { readWanted, wantedArguments, wantedOptions } from './wanted.js';

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
  async run(context, { paths }, { query }) {
    const files = await changePins(context, readWanted(paths, query), 'pin');
    await context.output.done({ files, pinned: true }, () => `pinned ${formatItems(files, 'file')}`);
  },
});
