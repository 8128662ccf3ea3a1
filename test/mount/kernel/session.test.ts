import assert from 'node:assert/strict';
import fs from 'node:fs';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { FOPEN, OPCODE } from '../../../src/mount/kernel/abi.js';
import { DEFERRED, type Handler } from '../../../src/mount/kernel/handlers.js';
import {
  type Channel,
  createSession,
  type Session,
  type SessionOptions,
} from '../../../src/mount/kernel/session.js';
import { createStopSwitch, isStopDemanded } from '../../../src/mount/kernel/stop.js';
import { initRequest, request, text, u32, u64, zeros } from './messages.js';

const { ENOSYS, EROFS, EIO, ENOENT, EINVAL, ERANGE, ENOTTY, EPROTO, EACCES, ENAMETOOLONG } = constants.errno;

/** A file system of one file, 'file', inode 2 with content tag 3. */
function oneFile(overrides: Partial<Handler> = {}): Handler {
  return {
    lookup(_request, name, out) {
      out.entryTimeoutMs = 1000;
      if (name.toString() !== 'file') return 0;
      Object.assign(out, { ino: 2, tag: 3, mode: 0o100644, size: 5 });
      return 0;
    },
    getattr(asked, out) {
      if (asked.ino > 2) return -ENOENT;
      Object.assign(out, { ino: asked.ino, mode: asked.ino === 1 ? 0o40755 : 0o100644 });
      return 0;
    },
    open(_request, out) {
      Object.assign(out, { handle: 11, flags: FOPEN.KEEP_CACHE });
      return 0;
    },
    read: (asked, target, at) => target.write('hello'.slice(asked.offset, asked.offset + asked.size), at),
    readdir: (_request, listing) => {
      listing.addName('file', 2, 8, 1);
      return 0;
    },
    ...overrides,
  };
}

interface Answer {
  error: number;
  unique: bigint;
  body: Buffer;
}

/** The reply to one message, its header checked; undefined when there is none. */
function ask(session: Session, bytes: Buffer): Answer | undefined {
  bytes.copy(session.message.bytes);
  session.message.length = bytes.length;
  const length = session.answer();
  if (length === 0) return undefined;
  const reply = session.reply.bytes.subarray(0, length);
  assert.equal(reply.readUInt32LE(0), length);
  return { error: 0 - reply.readInt32LE(4), unique: reply.readBigUInt64LE(8), body: reply.subarray(16) };
}

function started(overrides: Partial<Handler> = {}, options: Partial<SessionOptions> = {}): Session {
  const session = createSession({ handler: oneFile(overrides), maxRead: 8192, ...options });
  assert.equal(ask(session, initRequest())?.error, 0);
  return session;
}

const readIn = (handle: number, offset: number, size: number) => [
  u64(handle),
  u64(offset),
  u32(size),
  zeros(4 + 8 + 4 + 4),
];

describe('INIT', () => {
  const answerTo = (bytes: Buffer, options: Partial<SessionOptions> = {}) => {
    const session = createSession({ handler: oneFile(), ...options });
    return { session, answer: ask(session, bytes) };
  };

  it('takes the smaller minor and only offered flags', () => {
    const { answer, session } = answerTo(initRequest(7, 31, 0b1, 0));
    assert.equal(answer?.body.length, 64);
    assert.deepEqual([answer?.body.readUInt32LE(0), answer?.body.readUInt32LE(4)], [7, 31]);
    assert.equal(answer?.body.readUInt32LE(12), 1);
    assert.equal(answer?.body.readUInt32LE(32), 0);
    assert.equal(session.negotiated()?.minor, 31);
    assert.equal(answerTo(initRequest(7, 99)).answer?.body.readUInt32LE(4), 45);
  });

  it('gives limits that the kernel accepts', () => {
    const body = answerTo(initRequest()).answer?.body ?? Buffer.alloc(0);
    assert.equal(body.readUInt32LE(8), 2 ** 20, 'max_readahead');
    assert.equal(body.readUInt16LE(16), 64, 'max_background');
    assert.equal(body.readUInt16LE(18), 48, 'congestion_threshold');
    assert.equal(body.readUInt32LE(24), 1, 'time_gran');
    assert.equal(body.readUInt16LE(28), 256, 'max_pages');
  });

  it('asks for passthrough only when wanted and offered', () => {
    const depth = (wantPassthrough: boolean, flags: number, flags2: number) => {
      const { answer, session } = answerTo(initRequest(7, 45, flags, flags2), { wantPassthrough });
      const agreed = session.negotiated()?.passthrough;
      assert.equal(((answer?.body.readUInt32LE(32) ?? 0) & 0x20) !== 0, agreed);
      return agreed ? answer?.body.readUInt32LE(36) : 0;
    };
    assert.equal(depth(true, 0xffffffff, 0xffffffff), 2);
    assert.equal(depth(false, 0xffffffff, 0xffffffff), 0);
    assert.equal(depth(true, 0xffffffff, 0), 0);
    assert.equal(depth(true, 0xbfffffff, 0xffffffff), 0, 'without INIT_EXT the kernel has no flags2');
  });

  it('answers in 24 bytes before 7.23', () => {
    assert.equal(answerTo(initRequest(7, 22)).answer?.body.length, 24);
  });

  it('demands major 7 of a newer kernel and waits for its second INIT', () => {
    const { answer, session } = answerTo(initRequest(8, 1));
    assert.deepEqual([answer?.error, answer?.body.readUInt32LE(0)], [0, 7]);
    assert.equal(session.negotiated(), undefined);
    assert.equal(ask(session, initRequest())?.error, 0);
    assert.equal(session.negotiated()?.minor, 45);
  });

  it('refuses a kernel that is too old', () => {
    for (const bytes of [initRequest(7, 11), initRequest(6, 45)]) {
      const { answer, session } = answerTo(bytes);
      assert.deepEqual([answer?.error, session.state()], [EPROTO, 'unsupported']);
    }
  });

  it('comes first, and once', () => {
    const session = createSession({ handler: oneFile() });
    assert.equal(ask(session, request({ opcode: OPCODE.GETATTR, body: [zeros(16)] }))?.error, EIO);
    assert.equal(ask(session, initRequest())?.error, 0);
    assert.equal(ask(session, initRequest())?.error, EIO);
  });
});

describe('answers', () => {
  it('carry the unique number of the request, all 64 bits', () => {
    const unique = 0xfedc_ba98_7654_3210n;
    const answer = ask(started(), request({ opcode: OPCODE.GETATTR, unique, body: [zeros(16)] }));
    assert.deepEqual([answer?.error, answer?.unique, answer?.body.length], [0, unique, 104]);
  });

  it('join inode number and tag to a node id', () => {
    const answer = ask(started(), request({ opcode: OPCODE.LOOKUP, body: [text('file')] }));
    assert.equal(answer?.body.readBigUInt64LE(0), (3n << 40n) | 2n);
    assert.equal(answer?.body.readBigUInt64LE(40), 2n);
  });

  it('say for how long a name does not exist', () => {
    const session = started();
    ask(session, request({ opcode: OPCODE.LOOKUP, body: [text('file')] }));
    const answer = ask(session, request({ opcode: OPCODE.LOOKUP, body: [text('other')] }));
    assert.equal(answer?.error, 0);
    assert.deepEqual([answer?.body.readBigUInt64LE(0), answer?.body.readBigUInt64LE(16)], [0n, 1n]);
    assert.equal(answer?.body.readUInt32LE(40 + 60), 0, 'nothing of the file answered before');
  });

  it('hold the bytes read, up to the limit', () => {
    const session = started();
    const read = (size: number) => ask(session, request({ opcode: OPCODE.READ, body: readIn(11, 1, size) }));
    assert.equal(read(3)?.body.toString(), 'ell');
    assert.equal(read(8192)?.body.toString(), 'ello');
    assert.equal(read(8193)?.error, EIO);
  });

  it('are EIO when a handler claims more than was asked for', () => {
    for (const count of [6, Number.NaN, Number.POSITIVE_INFINITY]) {
      const session = started({ read: () => count });
      assert.equal(ask(session, request({ opcode: OPCODE.READ, body: readIn(11, 0, 5) }))?.error, EIO);
    }
  });

  it('refuse to open for writing', () => {
    const { O_RDONLY, O_WRONLY, O_RDWR, O_TRUNC, O_NONBLOCK } = fs.constants;
    const open = (flags: number) =>
      ask(started(), request({ opcode: OPCODE.OPEN, body: [u32(flags), u32(0)] }));
    for (const flags of [O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC]) assert.equal(open(flags)?.error, EROFS);
    const answer = open(O_RDONLY | O_NONBLOCK);
    assert.deepEqual(answer?.body, Buffer.concat([u64(11), u32(FOPEN.KEEP_CACHE), u32(0)]));
  });

  it('give extended attributes by size, whole, or ERANGE', () => {
    const session = started({
      getxattr: () => Buffer.from('value'),
      listxattr: () => Buffer.from('user.x\0'),
    });
    const get = (size: number) =>
      ask(session, request({ opcode: OPCODE.GETXATTR, body: [u32(size), u32(0), text('user.x')] }));
    const list = (size: number) =>
      ask(session, request({ opcode: OPCODE.LISTXATTR, body: [u32(size), u32(0)] }));
    assert.deepEqual(get(0)?.body, Buffer.concat([u32(5), u32(0)]));
    assert.deepEqual(get(5)?.body.toString(), 'value');
    assert.equal(get(4)?.error, ERANGE);
    assert.deepEqual(list(0)?.body, Buffer.concat([u32(7), u32(0)]));
    assert.deepEqual(list(99)?.body.toString(), 'user.x\0');
  });

  it('bound the target of a link', () => {
    const readlink = (length: number) =>
      ask(started({ readlink: () => Buffer.alloc(length, 97) }), request({ opcode: OPCODE.READLINK }));
    assert.equal(readlink(4095)?.body.length, 4095);
    assert.equal(readlink(4096)?.error, ENAMETOOLONG);
  });

  it('are EROFS for everything that writes', () => {
    const { SETATTR, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, RENAME2, LINK, SYMLINK, WRITE, CREATE } = OPCODE;
    const { FALLOCATE, SETXATTR, REMOVEXATTR, COPY_FILE_RANGE, COPY_FILE_RANGE_64, TMPFILE } = OPCODE;
    const names = [SETATTR, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, RENAME2, LINK, SYMLINK, WRITE, CREATE];
    for (const opcode of [
      ...names,
      FALLOCATE,
      SETXATTR,
      REMOVEXATTR,
      COPY_FILE_RANGE,
      COPY_FILE_RANGE_64,
      TMPFILE,
    ]) {
      assert.equal(ask(started(), request({ opcode }))?.error, EROFS, `${opcode}`);
    }
  });

  it('are ENOSYS for what the kernel does alone, for missing methods and for unknown opcodes', () => {
    const { FLUSH, FSYNC, FSYNCDIR, POLL, STATX, STATFS, BMAP } = OPCODE;
    for (const opcode of [
      FLUSH,
      FSYNC,
      FSYNCDIR,
      POLL,
      STATX,
      STATFS,
      BMAP,
      0,
      7,
      63,
      64,
      4096,
      0xffffffff,
    ]) {
      assert.equal(ask(started(), request({ opcode }))?.error, ENOSYS, `${opcode}`);
    }
    assert.equal(ask(started(), request({ opcode: OPCODE.ACCESS, body: [u32(4), u32(0)] }))?.error, ENOSYS);
    assert.equal(ask(started(), request({ opcode: OPCODE.IOCTL }))?.error, ENOTTY);
  });

  it('open folders even without an opendir method', () => {
    const answer = ask(started(), request({ opcode: OPCODE.OPENDIR, body: [u32(0), u32(0)] }));
    assert.deepEqual([answer?.error, answer?.body.length], [0, 16]);
  });
});

describe('requests without an answer', () => {
  it('FORGET and BATCH_FORGET reach the handler', () => {
    const forgotten: number[][] = [];
    const session = started({ forget: (...node) => forgotten.push(node) });
    const node = (7n << 40n) | 5n;
    assert.equal(ask(session, request({ opcode: OPCODE.FORGET, node, body: [u64(2)] })), undefined);
    const body = [u32(2), u32(0), u64(8), u64(1), u64(node), u64(3)];
    assert.equal(ask(session, request({ opcode: OPCODE.BATCH_FORGET, body })), undefined);
    assert.deepEqual(forgotten, [
      [5, 7, 2],
      [8, 0, 1],
      [5, 7, 3],
    ]);
  });

  it('stay without one when malformed or when the handler throws', () => {
    const session = started({
      forget: () => {
        throw new Error('forget');
      },
    });
    assert.equal(ask(session, request({ opcode: OPCODE.FORGET })), undefined);
    assert.equal(ask(session, request({ opcode: OPCODE.FORGET, body: [u64(1)] })), undefined);
    assert.deepEqual([session.counters.malformed, session.counters.faults], [1, 1]);
  });

  it('INTERRUPT reaches the handler, and is ENOSYS without one', () => {
    const bytes = request({ opcode: OPCODE.INTERRUPT, unique: 7, body: [u64(0x5_0000_0006n)] });
    const interrupted: number[][] = [];
    assert.equal(ask(started({ interrupt: (...unique) => interrupted.push(unique) }), bytes), undefined);
    assert.deepEqual(interrupted, [[6, 5]]);
    assert.equal(ask(started(), bytes)?.error, ENOSYS);
  });

  it('DEFERRED is answered by somebody else', () => {
    const session = started({ read: () => DEFERRED });
    assert.equal(ask(session, request({ opcode: OPCODE.READ, body: readIn(11, 0, 5) })), undefined);
  });
});

describe('failures', () => {
  const getattr = request({ opcode: OPCODE.GETATTR, body: [zeros(16)] });
  const throwing = (error: unknown) => ({
    getattr: () => {
      throw error;
    },
  });

  it('of the handler become its errno, or EIO, and are reported', () => {
    const reported: unknown[] = [];
    const onFault = (error: unknown, opcode: number) => reported.push([error, opcode]);
    const denied = Object.assign(new Error('denied'), { errno: -EACCES });
    assert.equal(ask(started(throwing(denied), { onFault }), getattr)?.error, EACCES);
    for (const error of [new Error('bug'), 'text', null, Object.assign(new Error(), { errno: 1e9 })]) {
      assert.equal(ask(started(throwing(error), { onFault }), getattr)?.error, EIO);
    }
    assert.equal(reported.length, 5);
    assert.deepEqual(reported[0], [denied, OPCODE.GETATTR]);
  });

  it('of the reporter are survived', () => {
    const session = started(throwing(new Error('bug')), {
      onFault: () => {
        throw new Error('reporter');
      },
    });
    assert.equal(ask(session, getattr)?.error, EIO);
  });

  it('of a message are EIO, EINVAL for numbers, and nothing when there is nobody to tell', () => {
    const session = started();
    assert.equal(ask(session, request({ opcode: OPCODE.READ, body: [zeros(39)] }))?.error, EIO);
    assert.equal(ask(session, request({ opcode: OPCODE.READ, body: readIn(2 ** 60, 0, 1) }))?.error, EINVAL);
    assert.equal(ask(session, request({ opcode: OPCODE.READ, unique: 0 })), undefined);
    assert.equal(ask(session, Buffer.alloc(20)), undefined);
    assert.equal(ask(session, Buffer.alloc(0)), undefined);
    assert.equal(session.counters.malformed, 5);
  });
});

describe('the loop', () => {
  const failure = (code: string) => Object.assign(new Error(code), { code });

  /** Plays messages and errors to a session, ENODEV at the end, and collects the replies. */
  function play(events: (Buffer | Error)[], sendErrors: Error[] = []): Channel & { sent: Buffer[] } {
    const sent: Buffer[] = [];
    return {
      sent,
      receive(into) {
        const event = events.shift() ?? failure('ENODEV');
        if (event instanceof Error) throw event;
        return event.copy(into);
      },
      send(bytes, length) {
        const error = sendErrors.shift();
        if (error !== undefined) throw error;
        sent.push(Buffer.from(bytes.subarray(0, length)));
      },
    };
  }

  const statfs = request({ opcode: OPCODE.STATFS });

  it('goes on after errors that pass and ends at ENODEV', () => {
    const passing = ['EINTR', 'EAGAIN', 'ENOENT'].map(failure);
    const channel = play([...passing, initRequest(), ...['EINTR'].map(failure), statfs]);
    assert.equal(createSession({ handler: oneFile() }).run(channel), 'unmounted');
    assert.equal(channel.sent.length, 2);
  });

  it('ends at DESTROY, answered', () => {
    const channel = play([initRequest(), request({ opcode: OPCODE.DESTROY }), statfs]);
    assert.equal(createSession({ handler: oneFile() }).run(channel), 'destroyed');
    assert.equal(channel.sent.length, 2);
  });

  it('counts replies that come too late and replies that are refused', () => {
    const channel = play([initRequest(), statfs, statfs, statfs], [failure('EINVAL'), failure('ENOENT')]);
    const session = createSession({ handler: oneFile() });
    assert.equal(session.run(channel), 'unmounted');
    const { lateReplies, refusedReplies } = session.counters;
    assert.deepEqual([lateReplies, refusedReplies, channel.sent.length], [1, 1, 2]);
  });

  it('ends when a reply finds the file system unmounted', () => {
    const channel = play([initRequest(), statfs, statfs], [failure('ENODEV')]);
    assert.equal(createSession({ handler: oneFile() }).run(channel), 'unmounted');
  });

  it('reports a device that fails in another way', () => {
    const faults: unknown[] = [];
    const session = createSession({ handler: oneFile(), onFault: error => faults.push(error) });
    assert.equal(session.run(play([failure('EBADF')])), 'broken');
    assert.equal(faults.length, 1);
  });

  it('ends when it is told to stop', () => {
    const stop = createStopSwitch();
    const channel = play([initRequest(), statfs, statfs]);
    const session = createSession({
      handler: oneFile({
        statfs: () => {
          Atomics.store(stop, 0, 1);
          return 0;
        },
      }),
      stop,
    });
    assert.equal(session.run(channel), 'stopped');
    assert.equal(channel.sent.length, 2);
    assert.ok(isStopDemanded(stop));
  });

  it('counts requests by opcode', () => {
    const session = createSession({ handler: oneFile() });
    session.run(play([initRequest(), statfs, statfs, request({ opcode: 9999 })]));
    const { requests } = session.counters;
    assert.deepEqual([requests[OPCODE.STATFS], requests[OPCODE.INIT], requests[0]], [2, 1, 1]);
  });
});
