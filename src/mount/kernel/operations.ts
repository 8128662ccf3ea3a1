/**
 * One function per opcode: takes the decoded request to the handler and the answer to the reply buffer. Knows
 * structs and errnos, not the device. Each returns the size of its answer, a negative errno, `DEFERRED`
 * or `NO_REPLY`.
 */

import fs from 'node:fs';
import { ERRNO, LINK_MAX, NAME_MAX, O_ACCMODE, OPCODE } from './abi.js';
import {
  createEntry,
  type Entry,
  type FileSystemStatus,
  type Handler,
  type Negotiated,
  type Opened,
} from './handlers.js';
import { type InitLimits, judgeOffer, negotiate, putInit, putOurVersion } from './init.js';
import { createListing, type ReplyListing } from './listing.js';
import {
  createMessage,
  createRequest,
  decodeForgetOne,
  type FuseRequest,
  type Message,
  nameOf,
  readOffer,
} from './reader.js';
import type { Reply } from './writer.js';
import {
  BODY,
  createReply,
  putAttr,
  putBytes,
  putEntry,
  putOffset,
  putOpened,
  putStatus,
  putXattrSize,
} from './writer.js';

/** The kernel expects no answer to this request. */
export const NO_REPLY = -4097;

/** How a session ended, or 'running'. */
export type SessionState =
  | 'running'
  | 'unmounted'
  | 'destroyed' //   unmounted, and the kernel said goodbye
  | 'stopped' //     by `stopSession`
  | 'unsupported' // the kernel speaks a protocol older than 7.12
  | 'broken'; //     the device fails in a way that is reported as a fault

/** Everything that answering a request touches; made once for a session, so that answering allocates nothing. */
export interface Exchange {
  readonly handler: Handler;
  readonly limits: InitLimits;
  readonly message: Message;
  readonly request: FuseRequest;
  readonly reply: Reply;
  readonly entry: Entry;
  readonly opened: Opened;
  readonly status: FileSystemStatus;
  readonly listing: ReplyListing;
  negotiated: Negotiated | undefined;
  state: SessionState;
}

export function createExchange(
  handler: Handler,
  limits: InitLimits,
  requestBytes: number,
  replyBytes: number,
): Exchange {
  const reply = createReply(replyBytes);
  return {
    handler,
    limits,
    message: createMessage(requestBytes),
    request: createRequest(),
    reply,
    entry: createEntry(),
    opened: { handle: 0, flags: 0, backingId: 0 },
    status: { blockSize: 4096, blocks: 0, freeBlocks: 0, availableBlocks: 0, files: 0, freeFiles: 0 },
    listing: createListing(reply),
    negotiated: undefined,
    state: 'running',
  };
}

export type Operation = (exchange: Exchange) => number;

const init: Operation = exchange => {
  if (exchange.negotiated !== undefined) return -ERRNO.EIO;
  const offer = readOffer(exchange.message);
  const verdict = judgeOffer(offer);
  if (verdict === 'try-again') return putOurVersion(exchange.reply, BODY);
  if (verdict === 'too-old') {
    exchange.state = 'unsupported';
    return -ERRNO.EPROTO;
  }
  const agreed = negotiate(offer, exchange.limits);
  exchange.negotiated = agreed;
  exchange.handler.init?.(agreed);
  return putInit(exchange.reply, BODY, agreed, exchange.limits);
};

/** The kernel lets names of up to 1024 bytes through. */
const lookup: Operation = ({ handler, message, request, entry, reply }) => {
  if (request.nameEnd - request.nameStart > NAME_MAX) return -ERRNO.ENAMETOOLONG;
  clearEntry(entry);
  const result = handler.lookup(request, nameOf(message, request), entry);
  return result < 0 ? result : putEntry(reply, BODY, entry);
};

const getattr: Operation = ({ handler, request, entry, reply }) => {
  clearEntry(entry);
  const result = handler.getattr(request, entry);
  return result < 0 ? result : putAttr(reply, BODY, entry);
};

/** A field that a handler leaves alone must not carry over from the file answered before. */
function clearEntry(entry: Entry): void {
  entry.ino = 0;
  entry.tag = 0;
  entry.generation = 0;
  entry.entryTimeoutMs = 0;
  entry.attrTimeoutMs = 0;
  entry.mode = 0;
  entry.nlink = 1;
  entry.uid = 0;
  entry.gid = 0;
  entry.rdev = 0;
  entry.size = 0;
  entry.blocks = 0;
  entry.blockSize = 4096;
  entry.atimeUs = 0;
  entry.mtimeUs = 0;
  entry.ctimeUs = 0;
}

const readlink: Operation = ({ handler, request, reply }) => {
  const target = handler.readlink?.(request) ?? -ERRNO.ENOSYS;
  if (typeof target === 'number') return target < 0 ? target : -ERRNO.EIO;
  return target.length > LINK_MAX ? -ERRNO.ENAMETOOLONG : putBytes(reply, BODY, target);
};

const open: Operation = exchange => {
  const { flags } = exchange.request;
  if ((flags & O_ACCMODE) !== fs.constants.O_RDONLY || flags & fs.constants.O_TRUNC) return -ERRNO.EROFS;
  clearOpened(exchange.opened);
  return answerOpen(exchange, exchange.handler.open(exchange.request, exchange.opened));
};

const opendir: Operation = exchange => {
  clearOpened(exchange.opened);
  return answerOpen(exchange, exchange.handler.opendir?.(exchange.request, exchange.opened) ?? 0);
};

function clearOpened(opened: Opened): void {
  opened.handle = 0;
  opened.flags = 0;
  opened.backingId = 0;
}

function answerOpen({ reply, opened }: Exchange, result: number): number {
  return result < 0 ? result : putOpened(reply, BODY, opened);
}

const read: Operation = ({ handler, request, reply }) => {
  if (request.size > reply.bytes.length - BODY) return -ERRNO.EIO;
  const count = handler.read(request, reply.bytes, BODY);
  return count <= request.size ? count : -ERRNO.EIO;
};

function list({ handler, request, listing }: Exchange, plus: boolean): number {
  listing.begin(request.size, plus);
  const result = handler.readdir(request, listing);
  return result < 0 ? result : listing.size();
}

const release: Operation = ({ handler, request }) => {
  handler.release?.(request);
  return 0;
};

const releasedir: Operation = ({ handler, request }) => {
  handler.releasedir?.(request);
  return 0;
};

const statfs: Operation = ({ handler, request, reply, status }) => {
  const result = handler.statfs?.(request, status) ?? -ERRNO.ENOSYS;
  return result < 0 ? result : putStatus(reply, BODY, status);
};

const getxattr: Operation = exchange => {
  const { handler, message, request } = exchange;
  return answerXattr(exchange, handler.getxattr?.(request, nameOf(message, request)) ?? -ERRNO.ENOSYS);
};

const listxattr: Operation = exchange =>
  answerXattr(exchange, exchange.handler.listxattr?.(exchange.request) ?? -ERRNO.ENOSYS);

/** A request of size 0 asks how long the value is; one that is too small for it is an error. */
function answerXattr({ request, reply }: Exchange, value: Uint8Array | number): number {
  if (typeof value === 'number') return value < 0 ? value : -ERRNO.EIO;
  if (request.size === 0) return putXattrSize(reply, BODY, value.length);
  if (value.length > request.size) return -ERRNO.ERANGE;
  return value.length > reply.bytes.length - BODY ? -ERRNO.EIO : putBytes(reply, BODY, value);
}

const access: Operation = ({ handler, request }) => {
  return Math.min(handler.access?.(request) ?? -ERRNO.ENOSYS, 0);
};

const lseek: Operation = ({ handler, request, reply }) => {
  const offset = handler.lseek?.(request) ?? -ERRNO.ENOSYS;
  return offset < 0 ? offset : putOffset(reply, BODY, offset);
};

const forget: Operation = ({ handler, request }) => {
  handler.forget?.(request.ino, request.tag, request.lookups);
  return NO_REPLY;
};

const batchForget: Operation = ({ handler, message, request }) => {
  if (handler.forget === undefined) return NO_REPLY;
  const count = request.size;
  for (let i = 0; i < count; i += 1) {
    decodeForgetOne(message, i, request);
    handler.forget(request.ino, request.tag, request.lookups);
  }
  return NO_REPLY;
};

/** A handler that defers nothing has nothing to interrupt: ENOSYS, and the kernel sends no more of them. */
const interrupt: Operation = ({ handler, request }) => {
  if (handler.interrupt === undefined) return -ERRNO.ENOSYS;
  handler.interrupt(request.otherLow, request.otherHigh);
  return NO_REPLY;
};

const destroy: Operation = exchange => {
  exchange.state = 'destroyed';
  return 0;
};

/** The answer to a NOTIFY_RETRIEVE, which this side never sends. */
const notifyReply: Operation = () => NO_REPLY;

const readOnly: Operation = () => -ERRNO.EROFS;
const notTypewriter: Operation = () => -ERRNO.ENOTTY;
/** The kernel remembers ENOSYS for these and does by itself what a read-only file system means by them. */
const unneeded: Operation = () => -ERRNO.ENOSYS;

const OPERATIONS: (Operation | undefined)[] = [];
OPERATIONS[OPCODE.INIT] = init;
OPERATIONS[OPCODE.LOOKUP] = lookup;
OPERATIONS[OPCODE.GETATTR] = getattr;
OPERATIONS[OPCODE.READLINK] = readlink;
OPERATIONS[OPCODE.OPEN] = open;
OPERATIONS[OPCODE.READ] = read;
OPERATIONS[OPCODE.RELEASE] = release;
OPERATIONS[OPCODE.OPENDIR] = opendir;
OPERATIONS[OPCODE.READDIR] = exchange => list(exchange, false);
OPERATIONS[OPCODE.READDIRPLUS] = exchange => list(exchange, true);
OPERATIONS[OPCODE.RELEASEDIR] = releasedir;
OPERATIONS[OPCODE.STATFS] = statfs;
OPERATIONS[OPCODE.GETXATTR] = getxattr;
OPERATIONS[OPCODE.LISTXATTR] = listxattr;
OPERATIONS[OPCODE.ACCESS] = access;
OPERATIONS[OPCODE.LSEEK] = lseek;
OPERATIONS[OPCODE.FORGET] = forget;
OPERATIONS[OPCODE.BATCH_FORGET] = batchForget;
OPERATIONS[OPCODE.INTERRUPT] = interrupt;
OPERATIONS[OPCODE.DESTROY] = destroy;
OPERATIONS[OPCODE.NOTIFY_REPLY] = notifyReply;
OPERATIONS[OPCODE.IOCTL] = notTypewriter;

const MUTATING = [
  OPCODE.SETATTR,
  OPCODE.SYMLINK,
  OPCODE.MKNOD,
  OPCODE.MKDIR,
  OPCODE.UNLINK,
  OPCODE.RMDIR,
  OPCODE.RENAME,
  OPCODE.RENAME2,
  OPCODE.LINK,
  OPCODE.WRITE,
  OPCODE.CREATE,
  OPCODE.FALLOCATE,
  OPCODE.SETXATTR,
  OPCODE.REMOVEXATTR,
  OPCODE.COPY_FILE_RANGE,
  OPCODE.COPY_FILE_RANGE_64,
  OPCODE.TMPFILE,
];
for (const opcode of MUTATING) OPERATIONS[opcode] = readOnly;

/** Known, and left to the kernel. STATX too: it would only add a birth time, at one request per file. */
const LEFT_TO_THE_KERNEL = [
  OPCODE.FLUSH,
  OPCODE.FSYNC,
  OPCODE.FSYNCDIR,
  OPCODE.SYNCFS,
  OPCODE.GETLK,
  OPCODE.SETLK,
  OPCODE.SETLKW,
  OPCODE.BMAP,
  OPCODE.POLL,
  OPCODE.STATX,
];
for (const opcode of LEFT_TO_THE_KERNEL) OPERATIONS[opcode] = unneeded;

const NEVER_ANSWERED: readonly number[] = [
  OPCODE.FORGET,
  OPCODE.BATCH_FORGET,
  OPCODE.INTERRUPT,
  OPCODE.NOTIFY_REPLY,
];

/** Whether the kernel expects any reply, even an error, to this opcode. */
export function expectsReply(opcode: number): boolean {
  return !NEVER_ANSWERED.includes(opcode);
}

/** The operation of an opcode; undefined for one that this protocol version does not know. */
export function operationOf(opcode: number): Operation | undefined {
  return OPERATIONS[opcode];
}
