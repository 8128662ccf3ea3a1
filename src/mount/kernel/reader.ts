/**
 * From bytes to a request: the header and the arguments of every opcode that is answered with more than an
 * errno, decoded into one reused flat object, so that decoding allocates nothing but a LOOKUP's name.
 *
 * Trusts nothing: every field is read after its struct was found to lie inside the message, and what does not
 * fit is a `Refusal`. Structs follow uapi linux/fuse.h (see abi.ts).
 */

import {
  ACCESS_IN,
  BATCH_FORGET_IN,
  FORGET_IN,
  FORGET_ONE,
  GETATTR_FH,
  GETATTR_IN,
  GETXATTR_IN,
  IN_HEADER,
  INIT_IN,
  INTERRUPT_IN,
  LSEEK_IN,
  OPCODE,
  OPEN_IN,
  READ_IN,
  RELEASE_IN,
} from './abi.js';

/** Why a message is not a request. */
export type Refusal =
  | 'short-header' //  fewer bytes than `fuse_in_header`
  | 'wrong-length' //  the length field differs from what was received
  | 'bad-extension' // extensions larger than the message
  | 'short-body' //    fewer bytes than the opcode's argument
  | 'bad-name' //      empty, without its NUL, or with a slash
  | 'bad-number'; //   a handle or offset that a Number cannot hold

/** The bytes of one message. `length` is what the device delivered, at most `bytes.length`. */
export interface Message {
  readonly bytes: Buffer;
  readonly view: DataView;
  length: number;
}

/** One request, decoded. Reused for the next one: copy what must outlive the call. */
export interface FuseRequest {
  opcode: number;
  /** The two halves of the 64-bit number that a reply must carry. */
  uniqueLow: number;
  uniqueHigh: number;
  /** Low 40 bits of the node id. */
  ino: number;
  /** High 24 bits of the node id. */
  tag: number;
  /** Who asks; 0 for requests that the kernel makes for itself. */
  uid: number;
  gid: number;
  pid: number;
  /** `fh`, or -1 where the kernel sent none. */
  handle: number;
  offset: number;
  size: number;
  flags: number;
  whence: number;
  lookups: number;
  /** INTERRUPT: whose answer is no longer wanted. INIT: version of the kernel's protocol. */
  otherLow: number;
  otherHigh: number;
  /** Position of the name, without its NUL, in the message. */
  nameStart: number;
  nameEnd: number;
}

export function createMessage(capacity: number): Message {
  const bytes = Buffer.alloc(capacity);
  return { bytes, view: viewOf(bytes), length: 0 };
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function createRequest(): FuseRequest {
  return {
    opcode: 0,
    uniqueLow: 0,
    uniqueHigh: 0,
    ino: 0,
    tag: 0,
    uid: 0,
    gid: 0,
    pid: 0,
    handle: -1,
    offset: 0,
    size: 0,
    flags: 0,
    whence: 0,
    lookups: 0,
    otherLow: 0,
    otherHigh: 0,
    nameStart: 0,
    nameEnd: 0,
  };
}

/** Decodes `message` into `request`. After a refusal other than `short-header`, opcode and unique are usable. */
export function decodeRequest(message: Message, request: FuseRequest): Refusal | undefined {
  const { view, length } = message;
  if (length < IN_HEADER.SIZE) return 'short-header';
  request.opcode = view.getUint32(IN_HEADER.opcode, true);
  request.uniqueLow = view.getUint32(IN_HEADER.unique, true);
  request.uniqueHigh = view.getUint32(IN_HEADER.unique + 4, true);
  request.handle = -1;
  decodeNode(view, IN_HEADER.nodeid, request);
  request.uid = view.getUint32(IN_HEADER.uid, true);
  request.gid = view.getUint32(IN_HEADER.gid, true);
  request.pid = view.getUint32(IN_HEADER.pid, true);
  if (view.getUint32(IN_HEADER.len, true) !== length) return 'wrong-length';
  const end = length - 8 * view.getUint16(IN_HEADER.total_extlen, true);
  if (end < IN_HEADER.SIZE) return 'bad-extension';
  return DECODERS[request.opcode]?.(message, request, end);
}

/** Splits a node id: inode number in the low 40 bits, content tag in the high 24. */
function decodeNode(view: DataView, at: number, into: { ino: number; tag: number }): void {
  const high = view.getUint32(at + 4, true);
  into.ino = view.getUint32(at, true) + (high & 0xff) * 2 ** 32;
  into.tag = high >>> 8;
}

/** The name of the request, as a view of the message: valid until the next message is read. */
export function nameOf(message: Message, request: FuseRequest): Buffer {
  return message.bytes.subarray(request.nameStart, request.nameEnd);
}

/** Entry `index` of a BATCH_FORGET, whose count was checked when it was decoded. */
export function decodeForgetOne(message: Message, index: number, into: FuseRequest): void {
  const at = IN_HEADER.SIZE + BATCH_FORGET_IN.SIZE + index * FORGET_ONE.SIZE;
  decodeNode(message.view, at + FORGET_ONE.nodeid, into);
  into.lookups = u64(message.view, at + FORGET_ONE.nlookup);
}

/** A 64-bit field as a Number: exact below 2^53, rounded above. */
function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** Decodes the argument that starts behind the header and may reach to `end`. */
type Decoder = (message: Message, request: FuseRequest, end: number) => Refusal | undefined;

const BODY = IN_HEADER.SIZE;

function holds(end: number, size: number): boolean {
  return end - BODY >= size;
}

function decodeHandle(view: DataView, at: number, request: FuseRequest): Refusal | undefined {
  request.handle = u64(view, at);
  return request.handle > Number.MAX_SAFE_INTEGER ? 'bad-number' : undefined;
}

/** Finds the NUL behind the name that starts at `start`, and refuses a name that holds `forbidden`. */
function decodeName(
  { bytes }: Message,
  request: FuseRequest,
  start: number,
  end: number,
  forbidden: number,
): Refusal | undefined {
  let at = start;
  while (at < end && bytes[at] !== 0) {
    if (bytes[at] === forbidden) return 'bad-name';
    at += 1;
  }
  request.nameStart = start;
  request.nameEnd = at;
  return at === start || at === end ? 'bad-name' : undefined;
}

const SLASH = 0x2f;
const NOTHING = -1;

/** A path component: the kernel never sends a slash in one, and a file system must never see one. */
const decodeLookup: Decoder = (message, request, end) => decodeName(message, request, BODY, end, SLASH);

const decodeGetattr: Decoder = ({ view }, request, end) => {
  if (!holds(end, GETATTR_IN.SIZE)) return 'short-body';
  const named = view.getUint32(BODY + GETATTR_IN.getattr_flags, true) & GETATTR_FH;
  return named ? decodeHandle(view, BODY + GETATTR_IN.fh, request) : undefined;
};

const decodeOpen: Decoder = ({ view }, request, end) => {
  if (!holds(end, OPEN_IN.SIZE)) return 'short-body';
  request.flags = view.getUint32(BODY + OPEN_IN.flags, true);
  return undefined;
};

const decodeRead: Decoder = ({ view }, request, end) => {
  if (!holds(end, READ_IN.SIZE)) return 'short-body';
  request.offset = u64(view, BODY + READ_IN.offset);
  request.size = view.getUint32(BODY + READ_IN.size, true);
  request.flags = view.getUint32(BODY + READ_IN.flags, true);
  if (request.offset > Number.MAX_SAFE_INTEGER) return 'bad-number';
  return decodeHandle(view, BODY + READ_IN.fh, request);
};

const decodeRelease: Decoder = ({ view }, request, end) => {
  if (!holds(end, RELEASE_IN.SIZE)) return 'short-body';
  request.flags = view.getUint32(BODY + RELEASE_IN.flags, true);
  return decodeHandle(view, BODY + RELEASE_IN.fh, request);
};

const decodeForget: Decoder = ({ view }, request, end) => {
  if (!holds(end, FORGET_IN.SIZE)) return 'short-body';
  request.lookups = u64(view, BODY + FORGET_IN.nlookup);
  return undefined;
};

const decodeBatchForget: Decoder = ({ view }, request, end) => {
  if (!holds(end, BATCH_FORGET_IN.SIZE)) return 'short-body';
  request.size = view.getUint32(BODY + BATCH_FORGET_IN.count, true);
  return holds(end, BATCH_FORGET_IN.SIZE + request.size * FORGET_ONE.SIZE) ? undefined : 'short-body';
};

const decodeListxattr: Decoder = ({ view }, request, end) => {
  if (!holds(end, GETXATTR_IN.SIZE)) return 'short-body';
  request.size = view.getUint32(BODY + GETXATTR_IN.size, true);
  return undefined;
};

const decodeGetxattr: Decoder = (message, request, end) =>
  decodeListxattr(message, request, end) ??
  decodeName(message, request, BODY + GETXATTR_IN.SIZE, end, NOTHING);

const decodeAccess: Decoder = ({ view }, request, end) => {
  if (!holds(end, ACCESS_IN.SIZE)) return 'short-body';
  request.flags = view.getUint32(BODY + ACCESS_IN.mask, true);
  return undefined;
};

const decodeInterrupt: Decoder = ({ view }, request, end) => {
  if (!holds(end, INTERRUPT_IN.SIZE)) return 'short-body';
  request.otherLow = view.getUint32(BODY + INTERRUPT_IN.unique, true);
  request.otherHigh = view.getUint32(BODY + INTERRUPT_IN.unique + 4, true);
  return undefined;
};

const decodeLseek: Decoder = ({ view }, request, end) => {
  if (!holds(end, LSEEK_IN.SIZE)) return 'short-body';
  request.offset = u64(view, BODY + LSEEK_IN.offset);
  request.whence = view.getUint32(BODY + LSEEK_IN.whence, true);
  if (request.offset > Number.MAX_SAFE_INTEGER) return 'bad-number';
  return decodeHandle(view, BODY + LSEEK_IN.fh, request);
};

const decodeInit: Decoder = (_message, _request, end) => (holds(end, 8) ? undefined : 'short-body');

/** What a kernel says of itself in INIT. */
export interface KernelOffer {
  major: number;
  minor: number;
  /** Bytes. */
  maxReadahead: number;
  flags: number;
  flags2: number;
}

/** Reads the INIT argument; a kernel of another major may send a different one behind its version. */
export function readOffer({ view, length }: Message): KernelOffer {
  const at = (offset: number) => (BODY + offset + 4 <= length ? view.getUint32(BODY + offset, true) : 0);
  return {
    major: at(INIT_IN.major),
    minor: at(INIT_IN.minor),
    maxReadahead: at(INIT_IN.max_readahead),
    flags: at(INIT_IN.flags),
    flags2: at(INIT_IN.flags2),
  };
}

const DECODERS: (Decoder | undefined)[] = [];
DECODERS[OPCODE.LOOKUP] = decodeLookup;
DECODERS[OPCODE.FORGET] = decodeForget;
DECODERS[OPCODE.GETATTR] = decodeGetattr;
DECODERS[OPCODE.OPEN] = decodeOpen;
DECODERS[OPCODE.READ] = decodeRead;
DECODERS[OPCODE.RELEASE] = decodeRelease;
DECODERS[OPCODE.GETXATTR] = decodeGetxattr;
DECODERS[OPCODE.LISTXATTR] = decodeListxattr;
DECODERS[OPCODE.INIT] = decodeInit;
DECODERS[OPCODE.OPENDIR] = decodeOpen;
DECODERS[OPCODE.READDIR] = decodeRead;
DECODERS[OPCODE.RELEASEDIR] = decodeRelease;
DECODERS[OPCODE.ACCESS] = decodeAccess;
DECODERS[OPCODE.INTERRUPT] = decodeInterrupt;
DECODERS[OPCODE.BATCH_FORGET] = decodeBatchForget;
DECODERS[OPCODE.READDIRPLUS] = decodeRead;
DECODERS[OPCODE.LSEEK] = decodeLseek;
