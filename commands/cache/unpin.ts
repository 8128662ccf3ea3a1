/** `facet cache unpin`. */
import { command } from '../command.js';
import { formatItems } from '../format.js';
import { changePins } from './pins.js';
import { readWanted, wantedArguments, wantedOptions } from './wanted.js';

export default command({
  description: 'Lets files that were pinned be evicted again, in all their versions.',
  arguments: wantedArguments,
  options: wantedOptions,
  examples: [{ command: "facet cache unpin --query 'pinned label:seen'", says: 'what was watched' }],
  async run(context, { paths }, { query }) {
    const files = await changePins(context, readWanted(paths, query), 'unpin');
    await context.output.done({ files, pinned: false }, () => `unpinned ${formatItems(files, 'file')}`);
  },
});
