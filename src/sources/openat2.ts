/**
 * openat2(2) through koffi: opens a path in which no component may be a symbolic link. The kernel checks while it walks
 * the path, so there is nothing to race with; and it is one call where opening and checking are two (3 µs against 8 µs).
 */
import { constants } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { encodeName } from './file-names.js';

/** Never follows a link, never waits for a FIFO's writer, never makes a terminal the process's own. */
export const OPEN_FLAGS =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The same number on every architecture. */
const SYS_OPENAT2 = 437;
const AT_FDCWD = -100;
/** Not among Node's constants; the value of x86 and ARM. */
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_SYMLINKS = 0x04n;

/** struct open_how: flags, mode and resolve, 64 bits each. */
const how = Buffer.alloc(24);
how.writeBigUInt64LE(BigInt(OPEN_FLAGS | O_CLOEXEC), 0);
how.writeBigUInt64LE(RESOLVE_NO_SYMLINKS, 16);

/** The kernel is older than 5.6, or a sandbox does not know the call. */
const UNAVAILABLE = new Set(['ENOSYS', 'EPERM']);

interface Calls {
  syscall(number: number, directory: number, path: Buffer, how: Buffer, size: number): number;
  errno(): number;
}

/** `null` once it turned out that there is no such call here. */
let calls: Calls | null | undefined;

function load(): Calls | null {
  if (process.platform !== 'linux') return null;
  try {
    const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
    const syscall = koffi.load(null).func('int64_t syscall(int64_t, int, void *, void *, size_t)');
    return { syscall, errno: () => koffi.errno() };
  } catch {
    return null;
  }
}

/** A descriptor, or undefined where there is no such call. Throws a system error; ELOOP when there is a link in `path`. */
export function openWithoutLinks(path: string): number | undefined {
  calls ??= load();
  if (calls === null) return undefined;
  const fd = calls.syscall(SYS_OPENAT2, AT_FDCWD, encodeName(`${path}\0`), how, how.length);
  if (fd >= 0) return fd;
  const errno = calls.errno();
  const code = getSystemErrorName(-errno);
  if (UNAVAILABLE.has(code)) {
    calls = null;
    return undefined;
  }
  throw Object.assign(new Error(`${code}: openat2 ${path}`), {
    code,
    errno: -errno,
    syscall: 'openat2',
    path,
  });
}
