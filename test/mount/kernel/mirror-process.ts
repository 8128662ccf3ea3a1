/** A mirror as a process of its own, for tests that kill it: node mirror-process.js SOURCE MOUNTPOINT */

import { Worker } from 'node:worker_threads';
import { openMount } from '../../../src/mount/kernel/fusermount.js';

const [, , root, mountpoint] = process.argv;
const device = await openMount(mountpoint ?? '', { maxRead: 2 ** 20 });
new Worker(new URL('./mirror-worker.js', import.meta.url), { workerData: { device, root } });
process.stdout.write('mounted\n');
