/** `facet cache pin`. */
import { argumentList, command } from '../command.js';
import { formatItems } from '../format.js';
import { path } from '../kinds.js';
import { changePins } from './pins.js';

export default command({
  description:
    'Keeps the present versions of files in the cache once they are there: they are never evicted. Downloads nothing by itself: facet cache warm does.',
  arguments: { paths: argumentList(path, 'PATH', 'a path in the tree, or a glob', { required: true }) },
  examples: [
    {
      command: 'facet cache pin /films/Dune.mkv && facet cache warm /films/Dune.mkv',
      says: 'for the journey',
    },
  ],
  async run(context, { paths }) {
    const files = await changePins(context, paths, 'pin');
    await context.output.result({ files, pinned: true }, () => `pinned ${formatItems(files, 'file')}`);
  },
});
