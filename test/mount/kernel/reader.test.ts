import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OPCODE } from '../../../src/mount/kernel/abi.js';
import {
  createMessage,
  createRequest,
  decodeForgetOne,
  decodeRequest,
  readOffer,
} from '../../../src/mount/kernel/reader.js';
import { decode, initRequest, request, text, u32, u64, zeros } from './messages.js';

const NODE = (7n << 40n) | 0xab_1234_5678n;

describe('the header', () => {
  it('carries opcode, unique, node and caller', () => {
    const { refusal, request: read } = decode(
      request({ opcode: OPCODE.STATFS, unique: 0x0123_4567_89ab_cdefn, node: NODE }),
    );
    assert.equal(refusal, undefined);
    assert.equal(read.opcode, OPCODE.STATFS);
    assert.equal(read.uniqueLow, 0x89abcdef);
    assert.equal(read.uniqueHigh, 0x01234567);
    assert.equal(read.ino, 0xab_1234_5678);
    assert.equal(read.tag, 7);
    assert.deepEqual([read.uid, read.gid, read.pid], [1000, 1001, 4242]);
  });

  it('splits the largest node id', () => {
    const { request: read } = decode(request({ opcode: OPCODE.STATFS, node: 2n ** 64n - 1n }));
    assert.equal(read.ino, 2 ** 40 - 1);
    assert.equal(read.tag, 2 ** 24 - 1);
  });

  it('is refused at every length below 40', () => {
    const whole = request({ opcode: OPCODE.STATFS });
    for (let length = 0; length < 40; length += 1) {
      assert.equal(decode(whole.subarray(0, length)).refusal, 'short-header');
    }
  });

  it('is refused when its length is not the message', () => {
    assert.equal(decode(request({ opcode: OPCODE.STATFS, len: 41 })).refusal, 'wrong-length');
    assert.equal(decode(request({ opcode: OPCODE.STATFS, len: 0 })).refusal, 'wrong-length');
  });

  it('is refused when extensions exceed the message, and does not count them to the body', () => {
    assert.equal(decode(request({ opcode: OPCODE.STATFS, extensions: 1 })).refusal, 'bad-extension');
    const short = request({ opcode: OPCODE.OPEN, body: [u32(0), u32(0)], extensions: 1 });
    assert.equal(decode(short).refusal, 'short-body');
    const whole = request({ opcode: OPCODE.OPEN, body: [u32(5), u32(0), zeros(8)], extensions: 1 });
    assert.deepEqual([decode(whole).refusal, decode(whole).request.flags], [undefined, 5]);
  });
});

const READ_IN = [
  u64(77), //     fh
  u64(2 ** 40), // offset
  u32(131072), //  size
  u32(0), //       read_flags
  u64(0), //       lock_owner
  u32(0o100000), // flags
  u32(0), //       padding
];

/** Opcode, its whole body, and what must be read from it. */
const BODIES: [string, number, Buffer[], Record<string, number>][] = [
  ['getattr_in with a handle', OPCODE.GETATTR, [u32(1), u32(0), u64(9)], { handle: 9 }],
  ['getattr_in without', OPCODE.GETATTR, [u32(0), u32(0), u64(2n ** 64n - 1n)], { handle: -1 }],
  ['open_in', OPCODE.OPEN, [u32(0o100001), u32(0)], { flags: 0o100001 }],
  ['open_in of opendir', OPCODE.OPENDIR, [u32(0o200000), u32(0)], { flags: 0o200000 }],
  ['read_in', OPCODE.READ, READ_IN, { handle: 77, offset: 2 ** 40, size: 131072, flags: 0o100000 }],
  ['read_in of readdir', OPCODE.READDIR, READ_IN, { handle: 77, offset: 2 ** 40, size: 131072 }],
  ['read_in of readdirplus', OPCODE.READDIRPLUS, READ_IN, { handle: 77, offset: 2 ** 40, size: 131072 }],
  ['release_in', OPCODE.RELEASE, [u64(5), u32(3), u32(0), u64(0)], { handle: 5, flags: 3 }],
  [
    'release_in of releasedir',
    OPCODE.RELEASEDIR,
    [u64(2 ** 53 - 1), u32(0), u32(0), u64(0)],
    { handle: 2 ** 53 - 1 },
  ],
  ['forget_in', OPCODE.FORGET, [u64(3)], { lookups: 3 }],
  ['getxattr_in', OPCODE.GETXATTR, [u32(256), u32(0), text('user.x')], { size: 256 }],
  ['getxattr_in of listxattr', OPCODE.LISTXATTR, [u32(0), u32(0)], { size: 0 }],
  ['access_in', OPCODE.ACCESS, [u32(4), u32(0)], { flags: 4 }],
  ['interrupt_in', OPCODE.INTERRUPT, [u64(0x1_0000_0002n)], { otherLow: 2, otherHigh: 1 }],
  ['lseek_in', OPCODE.LSEEK, [u64(8), u64(4096), u32(3), u32(0)], { handle: 8, offset: 4096, whence: 3 }],
  ['init_in, oldest', OPCODE.INIT, [u32(7), u32(8)], {}],
];

describe('the argument', () => {
  for (const [name, opcode, body, expected] of BODIES) {
    it(`${name} is read`, () => {
      const { refusal, request: read } = decode(request({ opcode, body }));
      assert.equal(refusal, undefined);
      assert.deepEqual({ ...read, ...expected }, { ...read });
    });

    it(`${name} is refused at every shorter length`, () => {
      const whole = Buffer.concat(body);
      for (let length = 0; length < whole.length; length += 1) {
        const { refusal } = decode(request({ opcode, body: [whole.subarray(0, length)] }));
        assert.match(refusal ?? 'accepted', /^(short-body|bad-name)$/, `${length} bytes`);
      }
    });
  }

  it('is refused when a number is too large for a Number', () => {
    const handle = [u64(2n ** 53n), ...READ_IN.slice(1)];
    const offset = [u64(1), u64(2n ** 63n), ...READ_IN.slice(2)];
    assert.equal(decode(request({ opcode: OPCODE.READ, body: handle })).refusal, 'bad-number');
    assert.equal(decode(request({ opcode: OPCODE.READ, body: offset })).refusal, 'bad-number');
  });
});

describe('a name', () => {
  const lookup = (name: Buffer) => decode(request({ opcode: OPCODE.LOOKUP, body: [name] }));

  it('ends before its NUL and keeps its bytes', () => {
    for (const name of ['a', 'x'.repeat(255), 'line\nbreak', '\xff\xfe', '-rf', '..']) {
      const { refusal, request: read, bytes } = lookup(text(name));
      assert.equal(refusal, undefined);
      assert.equal(bytes.toString('latin1', read.nameStart, read.nameEnd), name);
    }
  });

  it('is refused when empty, unterminated or with a slash', () => {
    for (const bytes of [text(''), Buffer.from('abc'), text('a/b'), text('/'), zeros(0)]) {
      assert.equal(lookup(bytes).refusal, 'bad-name');
    }
  });

  it('may hold a slash in an extended attribute', () => {
    const { refusal } = decode(
      request({ opcode: OPCODE.GETXATTR, body: [u32(0), u32(0), text('user.a/b')] }),
    );
    assert.equal(refusal, undefined);
  });
});

describe('batch_forget_in', () => {
  const one = (node: bigint, lookups: number) => [u64(node), u64(lookups)];

  it('lists nodes', () => {
    const bytes = request({
      opcode: OPCODE.BATCH_FORGET,
      body: [u32(2), u32(0), ...one(5n, 1), ...one((9n << 40n) | 6n, 4)],
    });
    const message = createMessage(bytes.length);
    bytes.copy(message.bytes);
    message.length = bytes.length;
    const read = createRequest();
    assert.equal(decodeRequest(message, read), undefined);
    assert.equal(read.size, 2);
    decodeForgetOne(message, 1, read);
    assert.deepEqual([read.ino, read.tag, read.lookups], [6, 9, 4]);
  });

  it('is refused when its count exceeds it', () => {
    for (const count of [2, 0x1000_0000, 0xffff_ffff]) {
      const bytes = request({ opcode: OPCODE.BATCH_FORGET, body: [u32(count), u32(0), ...one(5n, 1)] });
      assert.equal(decode(bytes).refusal, 'short-body');
    }
  });
});

describe('init_in', () => {
  const offerOf = (bytes: Buffer) => {
    const message = createMessage(bytes.length + 64);
    message.bytes.fill(0xff);
    bytes.copy(message.bytes);
    message.length = bytes.length;
    return readOffer(message);
  };

  it('offers a version, flags and readahead', () => {
    assert.deepEqual(offerOf(initRequest(7, 41, 0x80000001, 0x20)), {
      major: 7,
      minor: 41,
      maxReadahead: 131072,
      flags: 0x80000001,
      flags2: 0x20,
    });
  });

  it('offers nothing that lies behind its end', () => {
    const short = request({ opcode: OPCODE.INIT, body: [u32(7), u32(12), u32(4096), u32(1)] });
    assert.deepEqual(offerOf(short), { major: 7, minor: 12, maxReadahead: 4096, flags: 1, flags2: 0 });
  });
});
