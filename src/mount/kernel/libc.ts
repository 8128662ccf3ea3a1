/**
 * The few calls of the C library that Node does not offer, or not as cheaply as the FUSE thread wants them, through koffi:
 * pairs of sockets, receiving a descriptor, ioctl, read, write, poll and splice, a signal for one thread. Loaded at the first use, once a thread. Structs are those of 64-bit Linux.
 */

import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';

interface Libc {
  socketpair(domain: number, type: number, protocol: number, pair: Int32Array): number;
  recvmsg(socket: number, message: Buffer, flags: number): number;
  read(descriptor: number, into: Buffer, length: number): number;
  write(descriptor: number, bytes: Buffer, length: number): number;
  poll(list: Buffer, count: number, timeoutMs: number): number;
  pipe2(pair: Int32Array, flags: number): number;
  splice(from: number, at: Buffer | null, to: number, atTo: null, length: number, flags: number): number;
  fcntl(descriptor: number, command: number, type: 'int', argument: number): number;
  ioctl(descriptor: number, request: number, argument: Buffer): number;
  sigaction(signal: number, action: Buffer, previous: null): number;
  syscall(number: number, first: number, second: number, third: number): number;
  errno(): number;
  /** The address of the function `abs`, which as a signal handler does nothing. */
  harmless(): bigint;
  /** The address of a buffer's first byte. */
  address(buffer: Buffer): bigint;
}

let loaded: Libc | undefined;

/** The bindings. `null` as the library's name is the C library that Node itself runs on, glibc or musl. */
function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
  const library = koffi.load(null);
  loaded = {
    socketpair: library.func('int socketpair(int, int, int, void *)'),
    recvmsg: library.func('int64_t recvmsg(int, void *, int)'),
    read: library.func('int64_t read(int, void *, size_t)'),
    write: library.func('int64_t write(int, void *, size_t)'),
    poll: library.func('int poll(void *, unsigned long, int)'),
    pipe2: library.func('int pipe2(void *, int)'),
    splice: library.func('int64_t splice(int, void *, int, void *, size_t, unsigned int)'),
    fcntl: library.func('int fcntl(int, int, ...)'),
    ioctl: library.func('int ioctl(int, unsigned long, void *)'),
    sigaction: library.func('int sigaction(int, void *, void *)'),
    syscall: library.func('int64_t syscall(int64_t, int64_t, int64_t, int64_t)'),
    harmless: () => BigInt(koffi.address(library.symbol('abs', 'int'))),
    errno: () => koffi.errno(),
    address: buffer => BigInt(koffi.address(buffer)),
  };
  return loaded;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Two connected sockets, both closed on exec. */
export function openSocketPair(): [number, number] {
  const pair = new Int32Array(2);
  const { socketpair } = libc();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) !== 0) throw failedCall('socketpair');
  return [pair[0] ?? -1, pair[1] ?? -1];
}

/** Offsets in struct msghdr, struct iovec and struct cmsghdr. */
const MSGHDR = { iov: 16, iovlen: 24, control: 32, controllen: 40, SIZE: 56 } as const;
const IOVEC = { base: 0, len: 8, SIZE: 16 } as const;
const CMSGHDR = { len: 0, level: 8, type: 12, data: 16, SIZE: 24 } as const;

/** Takes a descriptor out of a message that has arrived already; undefined when there is none. Closed on exec. */
export function receiveDescriptor(socket: number): number | undefined {
  const { recvmsg, address } = libc();
  const payload = Buffer.alloc(8);
  const control = Buffer.alloc(CMSGHDR.SIZE);
  const vector = Buffer.alloc(IOVEC.SIZE);
  vector.writeBigUInt64LE(address(payload), IOVEC.base);
  vector.writeBigUInt64LE(1n, IOVEC.len);
  const header = Buffer.alloc(MSGHDR.SIZE);
  header.writeBigUInt64LE(address(vector), MSGHDR.iov);
  header.writeBigUInt64LE(1n, MSGHDR.iovlen);
  header.writeBigUInt64LE(address(control), MSGHDR.control);
  header.writeBigUInt64LE(BigInt(control.length), MSGHDR.controllen);
  if (recvmsg(socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) return undefined;
  const carries =
    control.readInt32LE(CMSGHDR.level) === SOL_SOCKET && control.readInt32LE(CMSGHDR.type) === SCM_RIGHTS;
  return carries ? control.readInt32LE(CMSGHDR.data) : undefined;
}

/** ioctl(2): its result, or a negative errno. */
export function ioctl(descriptor: number, request: number, argument: Buffer): number {
  const calls = libc();
  const result = calls.ioctl(descriptor, request, argument);
  return result < 0 ? -calls.errno() : result;
}

/** read(2) and write(2) without Node's exceptions: how many bytes, or a negative errno. */
export function readBytes(descriptor: number, into: Buffer): number {
  const calls = libc();
  const count = calls.read(descriptor, into, into.length);
  return count < 0 ? -calls.errno() : count;
}

export function writeBytes(descriptor: number, bytes: Buffer, length: number): number {
  const calls = libc();
  const count = calls.write(descriptor, bytes, length);
  return count < 0 ? -calls.errno() : count;
}

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETPIPE_SZ = 1031;

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** A pipe that never waits, of at least `capacity` bytes; undefined where this process is not allowed so much. */
export function openPipe(capacity: number): Pipe | undefined {
  const pair = new Int32Array(2);
  const { pipe2, fcntl } = libc();
  if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) !== 0) return undefined;
  const [readEnd = -1, writeEnd = -1] = pair;
  const pipe = { readEnd, writeEnd };
  if (fcntl(writeEnd, F_SETPIPE_SZ, 'int', capacity) >= capacity) return pipe;
  closePipe(pipe);
  return undefined;
}

export function closePipe({ readEnd, writeEnd }: Pipe): void {
  closeSync(readEnd);
  closeSync(writeEnd);
}

/**
 * splice(2): how many bytes went from one descriptor to the other, one of which is a pipe, or a negative errno. `place` is
 * a 64-bit offset in the first, which moves on; null where that is the pipe.
 */
export function spliceBytes(from: number, place: Buffer | null, to: number, length: number): number {
  const calls = libc();
  const count = calls.splice(from, place, to, null, length, 0);
  return count < 0 ? -calls.errno() : count;
}

/** struct pollfd. */
const POLLFD = { fd: 0, events: 4, SIZE: 8 } as const;
const POLLIN = 1;
const FOREVER = -1;

/** Returns a function that waits until the descriptor can be read, is at its end, or a signal comes. */
export function createWait(descriptor: number): () => void {
  const { poll } = libc();
  const list = Buffer.alloc(POLLFD.SIZE);
  list.writeInt32LE(descriptor, POLLFD.fd);
  list.writeInt16LE(POLLIN, POLLFD.events);
  return () => void poll(list, 1, FOREVER);
}

const FIONBIO = 0x5421;

/** Makes reads return EAGAIN instead of waiting, for everybody who shares the open file. */
export function makeNonBlocking(descriptor: number): void {
  const on = Buffer.alloc(4);
  on.writeInt32LE(1);
  if (ioctl(descriptor, FIONBIO, on) < 0) throw failedCall('ioctl');
}

/** The error of a call that returned a negative errno, as Node would throw it. */
export function systemError(call: string, result: number): Error {
  const code = getSystemErrorName(result);
  return Object.assign(new Error(`${call}: ${code}`), { code, errno: result, syscall: call });
}

/** struct sigaction as the C library declares it; its flags stay 0, without SA_RESTART. */
const SIGACTION = { handler: 0, SIZE: 152 } as const;

/** Lets `signal` interrupt system calls, with EINTR, and do nothing else. */
export function ignoreSignal(signal: number): void {
  const { sigaction, harmless } = libc();
  const action = Buffer.alloc(SIGACTION.SIZE);
  action.writeBigUInt64LE(harmless(), SIGACTION.handler);
  if (sigaction(signal, action, null) !== 0) throw failedCall('sigaction');
}

/** Number of tgkill(2), which older C libraries do not offer: x86_64 has its own table of calls. */
const SYS_TGKILL = process.arch === 'x64' ? 234 : 131;

/** Sends a signal to one thread of this process; a thread that has ended is none. */
export function signalThread(thread: number, signal: number): void {
  libc().syscall(SYS_TGKILL, process.pid, thread, signal);
}

function failedCall(call: string): Error {
  return systemError(call, -libc().errno());
}
