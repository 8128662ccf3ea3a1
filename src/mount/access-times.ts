/** Tells the catalog which files were read through the mount: the side of the main thread. */
import { FileAccesses } from '../catalog/file-accesses.js';
import { AccessRing } from './access-ring.js';

const COLLECT_MS = 1_000;
const FLUSH_MS = 5_000;

/** From now on, until it is told to stop; then all of them are written. */
export function keepAccessTimes(catalogFile: string, shared: SharedArrayBuffer): { stop(): void } {
  const ring = new AccessRing(shared);
  const accesses = new FileAccesses(catalogFile);
  const collect = () => {
    for (const ino of ring.take()) accesses.note(ino);
  };
  const timers = [setInterval(collect, COLLECT_MS), setInterval(() => accesses.flush(), FLUSH_MS)];
  for (const timer of timers) timer.unref();
  return {
    stop: () => {
      timers.forEach(clearInterval);
      collect();
      accesses.close();
    },
  };
}
