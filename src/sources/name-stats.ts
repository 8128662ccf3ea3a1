/**
 * The attributes of the names in a folder, one after the other: statx(2) through koffi, by the folder's descriptor. The
 * kernel walks one component instead of the whole path and Node makes no `Stats` object of twenty numbers: 2.4 µs a file
 * instead of 3.4. Without koffi, or on another system, it is lstat(2) of the path.
 */
import { closeSync, constants, lstatSync, openSync, type Stats } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { fsPath, isEscaped } from './file-names.js';
import { modifiedUs } from './local.js';

/** What a listing needs to know of a name. */
export interface NameStats {
  mode: number;
  size: number;
  /** Microseconds since the epoch, cut. */
  mtimeUs: number;
  dev: number;
  ino: number;
}

interface Calls {
  statx(folder: number, name: string, flags: number, mask: number, into: Buffer): number;
  errno(): number;
}

/** Not among Node's constants; the value of x86 and ARM. */
const O_PATH = 0o10000000;
const FOLDER_FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** STATX_TYPE | STATX_MODE | STATX_MTIME | STATX_INO | STATX_SIZE */
const MASK = 0x1 | 0x2 | 0x40 | 0x100 | 0x200;

/** struct statx of <linux/stat.h>: where its members are. */
const AT = {
  mode: 28,
  ino: 32,
  size: 40,
  mtimeSec: 112,
  mtimeNsec: 120,
  devMajor: 136,
  devMinor: 140,
} as const;
const buffer = Buffer.alloc(256);
const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
const LITTLE = true;

/** `null` where there is no such call. */
let calls: Calls | null | undefined;

function load(): Calls | null {
  if (process.platform !== 'linux') return null;
  try {
    const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
    const libc = koffi.load(null);
    const statx = libc.func('int statx(int, const char *, int, unsigned int, void *)');
    return { statx, errno: () => koffi.errno() };
  } catch {
    return null;
  }
}

/** The names of one folder. Close it. */
export class FolderStats {
  readonly #path: string;
  #descriptor = -1;

  /** `path` is absolute, as facet writes it, and ends in a slash. */
  constructor(path: string) {
    this.#path = path;
    calls ??= load();
    if (calls) this.#descriptor = openSync(fsPath(path), FOLDER_FLAGS);
  }

  /** Undefined when there is nothing of the name (any more). Throws a system error. */
  stat(name: string): NameStats | undefined {
    if (!calls || isEscaped(name)) return this.#byPath(name);
    const result = calls.statx(this.#descriptor, name, AT_SYMLINK_NOFOLLOW, MASK, buffer);
    if (result === 0) return readStats();
    const code = getSystemErrorName(-calls.errno());
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOSYS') return this.#byPath(name);
    throw Object.assign(new Error(`${code}: statx ${this.#path}${name}`), { code, syscall: 'statx' });
  }

  #byPath(name: string): NameStats | undefined {
    const stats = lstatSync(fsPath(this.#path + name), { throwIfNoEntry: false });
    return stats && nameStats(stats);
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
  }
}

export function nameStats(stats: Stats): NameStats {
  const { mode, size, dev, ino } = stats;
  return { mode, size, mtimeUs: modifiedUs(stats), dev, ino };
}

function readStats(): NameStats {
  const seconds = view.getUint32(AT.mtimeSec, LITTLE) + view.getInt32(AT.mtimeSec + 4, LITTLE) * 2 ** 32;
  return {
    mode: view.getUint16(AT.mode, LITTLE),
    size: wide(AT.size),
    // Milliseconds first, as Node makes them: its rounding is part of every time that is compared with this one.
    mtimeUs: modifiedUs({ mtimeMs: seconds * 1e3 + view.getUint32(AT.mtimeNsec, LITTLE) / 1e6 }),
    dev: makedev(view.getUint32(AT.devMajor, LITTLE), view.getUint32(AT.devMinor, LITTLE)),
    ino: wide(AT.ino),
  };
}

function wide(at: number): number {
  return view.getUint32(at, LITTLE) + view.getUint32(at + 4, LITTLE) * 2 ** 32;
}

/** makedev(3) of glibc, which is what Node's `dev` is: a major number of more than 12 bits would go on above bit 31. */
function makedev(major: number, minor: number): number {
  const low = ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
  return low + (minor >>> 20) * 2 ** 32 + Math.floor(major / 2 ** 12) * 2 ** 44;
}
