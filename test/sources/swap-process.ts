/**
 * Exchanges a folder or file of a root for a link, and back, until it is killed. Prints `swapping` when it has begun.
 *
 *     node swap-process.js ROOT PATH LINK
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';

const [root = '', path = '', link = ''] = process.argv.slice(2);
const [there, aside, other] = [join(root, path), join(root, 'aside'), join(root, link)];
console.log('swapping');
for (;;) {
  renameSync(there, aside);
  renameSync(other, there);
  renameSync(there, other);
  renameSync(aside, there);
}
