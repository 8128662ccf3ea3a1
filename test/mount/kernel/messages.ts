/** Builds FUSE messages field by field, so that a test shows every byte with its name in linux/fuse.h. */

import {
  createMessage,
  createRequest,
  decodeRequest,
  type FuseRequest,
  type Refusal,
} from '../../../src/mount/kernel/reader.js';

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1');
}

export function zeros(count: number): Buffer {
  return Buffer.alloc(count);
}

export interface RequestFields {
  opcode: number;
  unique?: number | bigint;
  node?: number | bigint;
  body?: Buffer[];
  /** Overrides the true length in the header. */
  len?: number;
  extensions?: number;
}

/** struct fuse_in_header and a body. */
export function request(fields: RequestFields): Buffer {
  const body = Buffer.concat(fields.body ?? []);
  return Buffer.concat([
    u32(fields.len ?? 40 + body.length), // len
    u32(fields.opcode), //                 opcode
    u64(fields.unique ?? 2), //            unique
    u64(fields.node ?? 1), //              nodeid
    u32(1000), //                          uid
    u32(1001), //                          gid
    u32(4242), //                          pid
    u16(fields.extensions ?? 0), //        total_extlen
    u16(0), //                             padding
    body,
  ]);
}

/** INIT of a 6.18 kernel, every flag offered unless told otherwise. */
export function initRequest(major = 7, minor = 45, flags = 0xffffffff, flags2 = 0xffffffff): Buffer {
  const body = [u32(major), u32(minor), u32(131072), u32(flags), u32(flags2), zeros(44)];
  return request({ opcode: 26, body });
}

export interface Decoded {
  refusal: Refusal | undefined;
  request: FuseRequest;
  bytes: Buffer;
}

/** Decodes bytes out of a larger buffer full of 0xff, as the device leaves an older message behind a short one. */
export function decode(bytes: Buffer): Decoded {
  const message = createMessage(bytes.length + 64);
  message.bytes.fill(0xff);
  bytes.copy(message.bytes);
  message.length = bytes.length;
  const decoded = createRequest();
  return { refusal: decodeRequest(message, decoded), request: decoded, bytes: message.bytes };
}
