/** `facet index …`: what is known of the files, and keeping it true. */
import { entry, group } from '../command.js';

export default group({
  commands: {
    add: entry('add a source: a folder whose files are to be shown', () => import('./add.js')),
    edit: entry('change how a source is kept live', () => import('./edit.js')),
    rm: entry('forget a source, and all that is known of its files', () => import('./rm.js')),
    scan: entry('bring the catalog up to date with its sources', () => import('./scan.js')),
    watch: entry('keep the catalog true to its sources while it runs', () => import('./watch.js')),
    status: entry('the sources, and how their last scans went', () => import('./status.js')),
    stats: entry('what sources hold, and how far streams were followed', () => import('./stats.js')),
    nodes: entry('the machines that publish to the same Redis', () => import('./nodes.js')),
    ls: entry('list a directory of the tree', () => import('./ls.js')),
    search: entry('find the files that a query asks for', () => import('./search.js')),
    label: entry('give files labels, take them away, list them', () => import('./label.js')),
    set: entry('set properties of files', () => import('./set.js')),
    log: entry('what changed, in order', () => import('./log.js')),
    stat: entry('all that is known of one file', () => import('./stat.js')),
  },
});
