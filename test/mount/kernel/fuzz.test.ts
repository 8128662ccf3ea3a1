/** Random and mutated messages against the whole way from bytes to bytes: nothing may throw or overflow. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OPCODE } from '../../../src/mount/kernel/abi.js';
import { createEntry, DEFERRED, type Handler } from '../../../src/mount/kernel/handlers.js';
import { createSession, type Session } from '../../../src/mount/kernel/session.js';
import { initRequest, request } from './messages.js';

const MAX_READ = 16384;
const RUNS = 20_000;

/** A handler that answers with whatever the generator put into it, plausible or not. */
function erratic(next: () => number): Handler {
  const result = () => {
    const choice = next() % 8;
    if (choice === 0) throw new Error('erratic');
    if (choice === 1) return -(next() % 1000);
    return choice === 2 ? DEFERRED : 0;
  };
  const bytes = () => (next() % 3 === 0 ? result() : Buffer.alloc(next() * 64, 0x61));
  const entry = createEntry();
  return {
    lookup(_request, name, out) {
      assert.ok(name.length > 0 && !name.includes(0) && !name.includes(0x2f));
      out.ino = next() * 2 ** 32;
      out.tag = next() << 16;
      out.mtimeUs = -next() * 1e12;
      return result();
    },
    getattr: result,
    readlink: bytes,
    open: result,
    read(asked, target, at) {
      assert.ok(Number.isSafeInteger(asked.offset) && Number.isSafeInteger(asked.handle));
      assert.ok(at + asked.size <= target.length);
      target.fill(0x62, at, at + asked.size);
      return next() % 4 === 0 ? result() : asked.size;
    },
    opendir: result,
    readdir(_request, listing) {
      for (let i = 0; i < next() * 8; i += 1) {
        if (!listing.add('n'.repeat(next() + 1), entry, i + 1)) break;
      }
      return result();
    },
    statfs: result,
    getxattr: bytes,
    listxattr: bytes,
    access: result,
    lseek: result,
    forget: result,
    interrupt: result,
  };
}

const CANARY = 0xcc;

/** Answers one message in a session whose reply buffer is checked behind the reply. */
function answer(session: Session, bytes: Buffer): void {
  const { reply, message } = session;
  reply.bytes.fill(CANARY);
  bytes.copy(message.bytes);
  message.length = Math.min(bytes.length, message.bytes.length);
  const length = session.answer();
  assert.ok(length === 0 || (length >= 16 && length <= reply.bytes.length), `a reply of ${length}`);
  if (length === 0) return;
  assert.equal(reply.bytes.readUInt32LE(0), length);
  assert.deepEqual(reply.bytes.subarray(8, 16), bytes.subarray(8, 16));
  const error = reply.bytes.readInt32LE(4);
  assert.ok(error <= 0 && error > -512);
  if (error !== 0) assert.equal(length, 16);
}

/** A session whose handler takes its decisions from `choices`, over and over. */
function session(choices: number[]): Session {
  let at = 0;
  const next = () => choices[at++ % choices.length] ?? 0;
  const made = createSession({ handler: erratic(next), maxRead: MAX_READ, maxWrite: 4096 });
  answer(made, initRequest());
  return made;
}

const opcodes = fc.oneof(fc.constantFrom(...Object.values(OPCODE)), fc.nat({ max: 70 }), fc.nat());
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  // Small numbers in eight-byte fields: what gets past the checks and into the handler.
  fc.array(fc.nat({ max: 20_000 }), { maxLength: 8 }).map(fields => {
    const words = new BigUint64Array(fields.map(BigInt));
    return new Uint8Array(words.buffer);
  }),
);
const choices = fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 16 });

describe('the session, fed with', () => {
  it('random bytes', () => {
    const fed = session([3]);
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), bytes => answer(fed, Buffer.from(bytes)));
    fc.assert(property, { numRuns: RUNS });
  });

  it('well-formed headers and random bodies', () => {
    const property = fc.property(opcodes, bodies, choices, (opcode, body, decisions) => {
      answer(session(decisions), request({ opcode, unique: 6, body: [Buffer.from(body)] }));
    });
    fc.assert(property, { numRuns: RUNS });
  });

  it('sequences of mutated requests', () => {
    const mutation = fc.record({
      opcode: opcodes,
      body: bodies,
      at: fc.nat({ max: 120 }),
      byte: fc.nat({ max: 255 }),
    });
    const property = fc.property(fc.array(mutation, { maxLength: 30 }), choices, (mutations, decisions) => {
      const fed = session(decisions);
      for (const { opcode, body, at, byte } of mutations) {
        const bytes = request({ opcode, unique: 6, body: [Buffer.from(body)] });
        if (at < bytes.length) bytes[at] = byte;
        answer(fed, bytes);
      }
    });
    fc.assert(property, { numRuns: RUNS / 20 });
  });

  it('any first message instead of INIT', () => {
    const property = fc.property(opcodes, bodies, (opcode, body) => {
      const fed = createSession({ handler: erratic(() => 3), maxRead: MAX_READ, maxWrite: 4096 });
      answer(fed, request({ opcode, unique: 6, body: [Buffer.from(body)] }));
    });
    fc.assert(property, { numRuns: RUNS / 10 });
  });
});
