/** The FUSE thread of the tests: runs a session with a mirror on the device that it was started with. */

import { parentPort, workerData } from 'node:worker_threads';
import { deviceChannel } from '../../../src/mount/kernel/device.js';
import { createSession } from '../../../src/mount/kernel/session.js';
import { createMirror } from './mirror.js';

const { device, root, stop, wantPassthrough } = workerData;
const faults: string[] = [];
const session = createSession({
  handler: createMirror(root, { device }),
  wantPassthrough,
  stop,
  onFault: error => faults.push(String(error)),
});
const end = session.run(deviceChannel(device));
parentPort?.postMessage({ end, counters: session.counters, negotiated: session.negotiated(), faults });
