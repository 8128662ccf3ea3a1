/**
 * The top level of the command line: names, summaries and where each command is. Nothing else is loaded for
 * `facet --help`.
 */
import { entry, group } from './command.js';

export default group({
  description: 'Shows the files you have, wherever they are, as the tree you want.',
  commands: {
    index: entry('know the files: sources, scans, search', () => import('./index/group.js')),
    rules: entry('arrange the tree: check, plan, apply, explain', () => import('./rules/group.js')),
    mount: entry('show the tree as a folder', () => import('./mount/mount.js')),
    fetch: entry('copy files out of the tree', () => import('./fetch.js')),
    cache: entry('look at and manage the cached contents', () => import('./cache/group.js')),
    demo: entry('see the main job done, in a temporary folder', () => import('./demo.js')),
    completion: entry('print a completion script for a shell', () => import('./completion.js')),
  },
});
