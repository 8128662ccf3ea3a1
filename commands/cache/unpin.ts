/** `facet cache unpin`. */
import { argumentList, command } from '../command.js';
import { formatItems } from '../format.js';
import { path } from '../kinds.js';
import { changePins } from './pins.js';

export default command({
  description: 'Lets files that were pinned be evicted again, in all their versions.',
  arguments: { paths: argumentList(path, 'PATH', 'a path in the tree, or a glob', { required: true }) },
  async run(context, { paths }) {
    const files = await changePins(context, paths, 'unpin');
    await context.output.result({ files, pinned: false }, () => `unpinned ${formatItems(files, 'file')}`);
  },
});
