import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEntry } from '../../../src/mount/kernel/handlers.js';
import { createListing } from '../../../src/mount/kernel/listing.js';
import { encodeDelete, encodeInvalidEntry, encodeInvalidInode } from '../../../src/mount/kernel/notify.js';
import {
  BODY,
  createReply,
  putAttr,
  putEntry,
  putOffset,
  putOpened,
  putStatus,
  putXattrSize,
  type Reply,
  seal,
  sealError,
} from '../../../src/mount/kernel/writer.js';
import { text, u32, u64, zeros } from './messages.js';

const FILE = {
  ...createEntry(),
  ino: 0xab_1234_5678,
  tag: 0xfedcba,
  generation: 3,
  entryTimeoutMs: 1500,
  attrTimeoutMs: 60_000,
  mode: 0o100644,
  nlink: 2,
  uid: 1000,
  gid: 1001,
  rdev: 0,
  size: 2 ** 53 - 1,
  blocks: 2 ** 33,
  blockSize: 65536,
  atimeUs: 1_700_000_000_123_456,
  mtimeUs: -1,
  ctimeUs: 0,
};

const FILE_ATTR = [
  u64(0xab_1234_5678), // ino
  u64(2 ** 53 - 1), //    size
  u64(2 ** 33), //        blocks
  u64(1_700_000_000), //  atime
  u64(-1), //             mtime: one microsecond before 1970
  u64(0), //              ctime
  u32(123_456_000), //    atimensec
  u32(999_999_000), //    mtimensec
  u32(0), //              ctimensec
  u32(0o100644), //       mode
  u32(2), //              nlink
  u32(1000), //           uid
  u32(1001), //           gid
  u32(0), //              rdev
  u32(65536), //          blksize
  u32(0), //              flags
];

const FILE_ENTRY = [
  u64(0xfedc_baab_1234_5678n), // nodeid: tag, then inode number
  u64(3), //                      generation
  u64(1), //                      entry_valid
  u64(60), //                     attr_valid
  u32(500_000_000), //            entry_valid_nsec
  u32(0), //                      attr_valid_nsec
  ...FILE_ATTR,
];

/** What `put` writes, into a buffer that is dirty everywhere; nothing outside the struct may change. */
function written(put: (reply: Reply) => number): Buffer {
  const reply = createReply(4096);
  reply.bytes.fill(0xee);
  const size = put(reply);
  assert.ok(
    reply.bytes.subarray(BODY + size).every(byte => byte === 0xee),
    'wrote behind the struct',
  );
  return reply.bytes.subarray(BODY, BODY + size);
}

describe('reply structs', () => {
  it('entry_out', () => {
    assert.deepEqual(
      written(reply => putEntry(reply, BODY, FILE)),
      Buffer.concat(FILE_ENTRY),
    );
  });

  it('entry_out of a name that does not exist', () => {
    const bytes = written(reply => putEntry(reply, BODY, { ...FILE, ino: 0 }));
    assert.deepEqual(bytes.subarray(0, 8), u64(0));
    assert.deepEqual(bytes.subarray(16, 24), u64(1));
  });

  it('attr_out', () => {
    const expected = [u64(60), u32(0), u32(0), ...FILE_ATTR];
    assert.deepEqual(
      written(reply => putAttr(reply, BODY, FILE)),
      Buffer.concat(expected),
    );
  });

  it('open_out', () => {
    const opened = { handle: 2 ** 52 + 1, flags: 0x82, backingId: 5 };
    const expected = [u64(2 ** 52 + 1), u32(0x82), u32(5)];
    assert.deepEqual(
      written(reply => putOpened(reply, BODY, opened)),
      Buffer.concat(expected),
    );
  });

  it('statfs_out', () => {
    const status = { blockSize: 4096, blocks: 9, freeBlocks: 8, availableBlocks: 7, files: 6, freeFiles: 5 };
    const expected = [
      ...[9, 8, 7, 6, 5].map(u64), // blocks, bfree, bavail, files, ffree
      u32(4096), //                   bsize
      u32(255), //                    namelen
      u32(4096), //                   frsize
      zeros(4 + 24), //               padding, spare
    ];
    assert.deepEqual(
      written(reply => putStatus(reply, BODY, status)),
      Buffer.concat(expected),
    );
  });

  it('getxattr_out and lseek_out', () => {
    assert.deepEqual(
      written(reply => putXattrSize(reply, BODY, 12)),
      Buffer.concat([u32(12), u32(0)]),
    );
    assert.deepEqual(
      written(reply => putOffset(reply, BODY, 2 ** 45)),
      u64(2 ** 45),
    );
  });

  it('out_header', () => {
    const reply = createReply(64);
    assert.equal(seal(reply, 8, 0x89abcdef, 0x01234567), 24);
    assert.deepEqual(
      reply.bytes.subarray(0, 16),
      Buffer.concat([u32(24), u32(0), u64(0x0123_4567_89ab_cdefn)]),
    );
  });

  it('out_header of an error, EIO for what is no errno', () => {
    const reply = createReply(64);
    const errors: [number, number][] = [
      [2, -2],
      [511, -511],
      [512, -5],
      [0, -5],
      [-2, -5],
      [1.5, -5],
      [Number.NaN, -5],
    ];
    for (const [errno, expected] of errors) {
      assert.equal(sealError(reply, errno, 1, 0), 16);
      assert.equal(reply.bytes.readInt32LE(4), expected);
    }
  });
});

describe('times', () => {
  const mtime = (mtimeUs: number) => {
    const bytes = written(reply => putAttr(reply, BODY, { ...FILE, mtimeUs }));
    return [bytes.readBigInt64LE(16 + 32), bytes.readUInt32LE(16 + 52)];
  };

  it('are exact to the microsecond at both ends of the range', () => {
    const moments = [
      0,
      1,
      -1,
      999_999,
      1e6,
      -1e6,
      -1_000_001,
      8_999_999_999_999_999,
      Number.MIN_SAFE_INTEGER,
    ];
    for (const us of [...moments, Number.MAX_SAFE_INTEGER]) {
      const [seconds = 0n, nanoseconds = 0] = mtime(us);
      assert.equal(BigInt(seconds) * 1_000_000n + BigInt(nanoseconds) / 1000n, BigInt(us), `${us}`);
      assert.ok(nanoseconds < 1e9);
    }
  });

  it('bound time-outs', () => {
    const valid = (attrTimeoutMs: number) => {
      const bytes = written(reply => putAttr(reply, BODY, { ...FILE, attrTimeoutMs }));
      return [bytes.readBigUInt64LE(0), bytes.readUInt32LE(8)];
    };
    assert.deepEqual(valid(Number.POSITIVE_INFINITY), [1_000_000_000n, 0]);
    assert.deepEqual(valid(-5), [0n, 0]);
    assert.deepEqual(valid(0.5), [0n, 500_000]);
  });
});

describe('listings', () => {
  const DIRENT = (name: string, off: number) => [
    u64(0xab_1234_5678), // ino
    u64(off), //            off
    u32(name.length), //    namelen
    u32(8), //              type: DT_REG
    Buffer.from(name, 'latin1'),
    zeros(-name.length & 7), // padding to eight bytes
  ];

  for (const name of ['a', '12345678', '123456789', '\xff\xfe\xfd']) {
    it(`dirent of ${name.length} bytes`, () => {
      const bytes = written(reply => {
        const listing = createListing(reply);
        listing.begin(1000, false);
        assert.ok(listing.add(Buffer.from(name, 'latin1'), FILE, 41));
        return listing.size();
      });
      assert.deepEqual(bytes, Buffer.concat(DIRENT(name, 41)));
    });
  }

  it('direntplus, a string as its name', () => {
    const bytes = written(reply => {
      const listing = createListing(reply);
      listing.begin(1000, true);
      assert.ok(listing.plus && listing.add('name', FILE, 42));
      return listing.size();
    });
    assert.deepEqual(bytes, Buffer.concat([...FILE_ENTRY, ...DIRENT('name', 42)]));
  });

  it('direntplus without a node', () => {
    const bytes = written(reply => {
      const listing = createListing(reply);
      listing.begin(1000, true);
      assert.ok(listing.addName('name', 0xab_1234_5678, 8, 42));
      return listing.size();
    });
    assert.deepEqual(bytes, Buffer.concat([zeros(128), ...DIRENT('name', 42)]));
  });

  it('writes names outside ASCII as UTF-8', () => {
    const bytes = written(reply => {
      const listing = createListing(reply);
      listing.begin(1000, false);
      assert.ok(listing.add('ä€😀', FILE, 1));
      return listing.size();
    });
    assert.equal(bytes.readUInt32LE(16), 9);
    assert.equal(bytes.toString('utf8', 24, 33), 'ä€😀');
    assert.deepEqual(bytes.subarray(33), zeros(7));
  });

  it('takes an entry whole or not at all, to the last byte', () => {
    for (const [plus, need] of [
      [false, 32],
      [true, 160],
    ] as const) {
      const reply = createReply(4096);
      const listing = createListing(reply);
      listing.begin(2 * need - 1, plus);
      assert.deepEqual([listing.add('a', FILE, 1), listing.add('b', FILE, 2)], [true, false]);
      assert.equal(listing.size(), need);
      listing.begin(2 * need, plus);
      assert.deepEqual([listing.add('a', FILE, 1), listing.add('b', FILE, 2)], [true, true]);
    }
  });

  it('never exceeds the reply, whatever the request says', () => {
    const listing = createListing(createReply(64));
    listing.begin(0xffffffff, false);
    assert.deepEqual(
      [1, 2, 3].map(offset => listing.add('a', FILE, offset)),
      [true, true, false],
    );
  });

  it('refuses names that no folder can hold', () => {
    const listing = createListing(createReply(4096));
    listing.begin(4096, false);
    assert.throws(() => listing.add('', FILE, 1), RangeError);
    assert.throws(() => listing.add('x'.repeat(256), FILE, 1), RangeError);
    assert.ok(listing.add('x'.repeat(255), FILE, 1));
  });
});

describe('notifications', () => {
  const header = (length: number, code: number) => [u32(length), u32(code), u64(0)];

  it('notify_inval_inode_out', () => {
    const expected = [...header(40, 2), u64((5n << 40n) | 9n), u64(-1), u64(0)];
    assert.deepEqual(encodeInvalidInode(9, 5, -1, 0), Buffer.concat(expected));
  });

  it('notify_inval_entry_out', () => {
    const expected = [...header(35, 3), u64(1), u32(2), u32(1), text('ab')];
    assert.deepEqual(encodeInvalidEntry(1, 0, Buffer.from('ab'), true), Buffer.concat(expected));
  });

  it('notify_delete_out', () => {
    const expected = [...header(43, 6), u64(1), u64((5n << 40n) | 9n), u32(2), u32(0), text('ab')];
    assert.deepEqual(encodeDelete(1, 0, 9, 5, Buffer.from('ab')), Buffer.concat(expected));
  });
});
