/** The two calls of the C library that Node does not offer and files shared by processes need, through koffi. */
import { createRequire } from 'node:module';

const OPERATIONS = { shared: 1 | 4, exclusive: 2 | 4 } as const; // LOCK_SH and LOCK_EX, both with LOCK_NB
const PUNCH_HOLE = 1 | 2; // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE

interface Libc {
  flock(fd: number, operation: number): number;
  /** Linux only. */
  fallocate?(fd: number, mode: number, start: number, length: number): number;
}

let loaded: Libc | null | undefined;

/**
 * flock(2) on an open file, without waiting: a lock that ends with the descriptor, however the process ends. A second call
 * on the same descriptor changes its lock. False when somebody else's lock is in the way; undefined where there are no
 * locks, without koffi.
 */
export function flock(fd: number, kind: keyof typeof OPERATIONS): boolean | undefined {
  loaded ??= load();
  return loaded === null ? undefined : loaded.flock(fd, OPERATIONS[kind]) === 0;
}

/** Gives the room of a part of a file back to the disk, so that it reads as zeros. False where that is not possible. */
export function punchHole(fd: number, start: number, length: number): boolean {
  loaded ??= load();
  return loaded?.fallocate?.(fd, PUNCH_HOLE, start, length) === 0;
}

function load(): Libc | null {
  try {
    const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    const flock = library.func('int flock(int, int)');
    if (process.platform !== 'linux') return { flock };
    return { flock, fallocate: library.func('int fallocate(int, int, int64_t, int64_t)') };
  } catch {
    return null;
  }
}
