/** A sandbox that does not know a system call, as old container runtimes are. */
import assert from 'node:assert/strict';
import koffi from 'koffi';

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const FAIL_WITH_ENOSYS = 0x00050000 | 38;
const SYS_OPENAT2 = 437;

/** struct sock_filter: what to do, how far to jump when true and when false, a value. */
const INSTRUCTIONS = [
  [LOAD_WORD, 0, 0, 0],
  [JUMP_IF_EQUAL, 0, 1, SYS_OPENAT2],
  [RETURN, 0, 0, FAIL_WITH_ENOSYS],
  [RETURN, 0, 0, ALLOW],
] as const;

/** From now on openat2(2) fails with ENOSYS in this thread. See seccomp(2). */
export function forbidOpenat2(): void {
  const filter = Buffer.alloc(8 * INSTRUCTIONS.length);
  for (const [at, [code, ifTrue, ifFalse, value]] of INSTRUCTIONS.entries()) {
    filter.writeUInt16LE(code, at * 8);
    filter.writeUInt8(ifTrue, at * 8 + 2);
    filter.writeUInt8(ifFalse, at * 8 + 3);
    filter.writeUInt32LE(value, at * 8 + 4);
  }
  const program = Buffer.alloc(16);
  program.writeUInt16LE(INSTRUCTIONS.length, 0);
  program.writeBigUInt64LE(BigInt(koffi.address(filter)), 8);
  const libc = koffi.load(null);
  const prctl = libc.func('int prctl(int, uint64_t, void *, uint64_t, uint64_t)');
  assert.equal(prctl(PR_SET_NO_NEW_PRIVS, 1, null, 0, 0), 0);
  assert.equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0), 0);
}
