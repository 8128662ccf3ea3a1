/**
 * inotify(7) through koffi: told by the kernel itself what changes in folders, and when it could not tell everything.
 * Node's own `fs.watch` keeps the latter to itself. Blocks its thread while it waits, which costs nothing.
 */
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { decodeName, encodeName } from '../../sources/file-names.js';

/** <linux/inotify.h> */
export const IN = {
  MODIFY: 0x2,
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  UNMOUNT: 0x2000,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x1000000,
  DONT_FOLLOW: 0x2000000,
  EXCL_UNLINK: 0x4000000,
  ISDIR: 0x40000000,
} as const;

/** CLOSE_WRITE: what is written through a mapping tells nothing before. */
const CHANGES =
  IN.MODIFY |
  IN.ATTRIB |
  IN.CLOSE_WRITE |
  IN.MOVED_FROM |
  IN.MOVED_TO |
  IN.CREATE |
  IN.DELETE |
  IN.DELETE_SELF |
  IN.MOVE_SELF;

export interface InotifyEvent {
  /** The watch that it is about; -1 for an overflow. */
  wd: number;
  mask: number;
  /** The same for both halves of a move; else 0. */
  cookie: number;
  /** '' for the watched folder itself. */
  name: string;
}

interface Libc {
  inotify_init1(flags: number): number;
  inotify_add_watch(descriptor: number, path: Buffer, mask: number): number;
  inotify_rm_watch(descriptor: number, wd: number): number;
  eventfd(initial: number, flags: number): number;
  poll(list: Buffer, count: number, timeoutMs: number): number;
  read(descriptor: number, into: Buffer, length: number): number;
  errno(): number;
}

const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
export const POLLIN = 1;
export const POLLPRI = 2;

/** Four thousand events without names, a few hundred with the longest. */
const BUFFER_BYTES = 64 * 1024;
const HEADER_BYTES = 16;

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded) return loaded;
  const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
  const library = koffi.load(null);
  loaded = {
    inotify_init1: library.func('int inotify_init1(int)'),
    inotify_add_watch: library.func('int inotify_add_watch(int, const void *, uint32_t)'),
    inotify_rm_watch: library.func('int inotify_rm_watch(int, int)'),
    eventfd: library.func('int eventfd(unsigned int, int)'),
    poll: library.func('int poll(void *, unsigned long, int)'),
    read: library.func('int64_t read(int, void *, size_t)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/** One instance: its watches end with it. Throws system errors; EMFILE when the user has too many instances. */
export class Inotify {
  readonly #calls = libc();
  readonly #descriptor: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);

  constructor() {
    this.#descriptor = this.#checked(this.#calls.inotify_init1(CLOEXEC | NONBLOCK), 'inotify_init1');
  }

  /** The number of a folder's watch: the one it has, where it is watched already. ENOSPC: the user has too many. */
  watch(path: string, follow: boolean): number {
    const mask = CHANGES | IN.ONLYDIR | IN.EXCL_UNLINK | (follow ? 0 : IN.DONT_FOLLOW);
    const wd = this.#calls.inotify_add_watch(this.#descriptor, encodeName(`${path}\0`), mask);
    return this.#checked(wd, 'inotify_add_watch');
  }

  /** One that ended by itself is none any more. */
  unwatch(wd: number): void {
    this.#calls.inotify_rm_watch(this.#descriptor, wd);
  }

  /** The next events; none when all have been read. */
  read(): InotifyEvent[] {
    const length = this.#calls.read(this.#descriptor, this.#buffer, this.#buffer.length);
    if (length > 0) return decodeEvents(this.#buffer.subarray(0, length));
    const code = getSystemErrorName(-this.#calls.errno());
    if (length === 0 || code === 'EAGAIN' || code === 'EINTR') return [];
    throw systemError(code, 'read');
  }

  /** What to wait for, until there are events. */
  get events(): Awaited {
    return { descriptor: this.#descriptor, condition: POLLIN };
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #checked(result: number, syscall: string): number {
    if (result >= 0) return result;
    throw systemError(getSystemErrorName(-this.#calls.errno()), syscall);
  }
}

/** Of eventfd(2): readable for ever once anybody has written to it. */
export function openWake(): number {
  return libc().eventfd(0, CLOEXEC);
}

/** A descriptor, and what of it poll(2) is to wait for. */
export interface Awaited {
  descriptor: number;
  condition: number;
}

/** Blocks the thread until one of these is so, or for so many milliseconds. */
export function waitFor(any: readonly Awaited[], milliseconds: number): void {
  const list = Buffer.alloc(8 * any.length);
  for (const [at, { descriptor, condition }] of any.entries()) {
    list.writeInt32LE(descriptor, at * 8);
    list.writeInt16LE(condition, at * 8 + 4);
  }
  libc().poll(list, any.length, Math.ceil(milliseconds));
}

/** What read(2) gives for an inotify descriptor. */
export function decodeEvents(bytes: Buffer): InotifyEvent[] {
  const events: InotifyEvent[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 12);
    const padded = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    const end = padded.indexOf(0);
    events.push({
      wd: bytes.readInt32LE(at),
      mask: bytes.readUInt32LE(at + 4),
      cookie: bytes.readUInt32LE(at + 8),
      name: decodeName(end === -1 ? padded : padded.subarray(0, end)),
    });
    at += HEADER_BYTES + length;
  }
  return events;
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
