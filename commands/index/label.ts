/** `facet index label …`: labels that are given directly. Those of label rules are in rules.yaml. */
import { entry, group } from '../command.js';

export default group({
  description:
    'Labels files. A label hangs on the file, not on its path: it stays when the file is renamed within its source, and comes back with a file that does. Whole folders of a source are labelled by a label rule in rules.yaml instead.',
  commands: {
    add: entry('give labels to a file', () => import('./label-add.js')),
    rm: entry('take labels away', () => import('./label-rm.js')),
    ls: entry('list the labels of a file, or all labels', () => import('./label-ls.js')),
  },
});
