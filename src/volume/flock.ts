/** flock(2) through koffi: a lock that ends with the descriptor, however the process ends. */
import { createRequire } from 'node:module';

const LOCK_EX_NB = 2 | 4;

let flock: ((fd: number, operation: number) => number) | null | undefined;

/** Locks an open file for this descriptor alone; false when somebody else has it. Without koffi there are no locks. */
export function lockFile(fd: number): boolean {
  flock ??= load();
  return flock === null || flock(fd, LOCK_EX_NB) === 0;
}

function load(): ((fd: number, operation: number) => number) | null {
  try {
    const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
    return koffi.load(null).func('int flock(int, int)');
  } catch {
    return null;
  }
}
