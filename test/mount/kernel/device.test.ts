/** The device's channel and spliced answers, on one end of a pair of sockets instead of the device. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { deviceChannel } from '../../../src/mount/kernel/device.js';
import { openSocketPair } from '../../../src/mount/kernel/libc.js';
import { createRequest } from '../../../src/mount/kernel/reader.js';
import { Splicer } from '../../../src/mount/kernel/splice.js';

function withSockets(body: (device: number, kernel: number) => void): void {
  const [device, kernel] = openSocketPair();
  try {
    body(device, kernel);
  } finally {
    fs.closeSync(device);
    fs.closeSync(kernel);
  }
}

describe('the channel', () => {
  it('carries messages both ways', () =>
    withSockets((device, kernel) => {
      const channel = deviceChannel(device);
      const into = Buffer.alloc(100);
      for (const text of ['one', 'after the other']) {
        fs.writeSync(kernel, text);
        assert.equal(into.toString('utf8', 0, channel.receive(into)), text);
        channel.send(Buffer.from('an answer'), 2);
        assert.equal(into.toString('utf8', 0, fs.readSync(kernel, into)), 'an');
      }
    }));

  it('throws system errors', () => {
    const [device, kernel] = openSocketPair();
    const channel = deviceChannel(device);
    for (const descriptor of [device, kernel]) fs.closeSync(descriptor);
    assert.throws(() => channel.receive(Buffer.alloc(8)), { code: 'EBADF', syscall: 'read' });
    assert.throws(() => channel.send(Buffer.alloc(8), 8), { code: 'EBADF', syscall: 'write' });
  });
});

describe('a spliced answer', () => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'facet-splice-'));
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, bytes);
  const descriptor = fs.openSync(file, 'r');
  fs.rmSync(folder, { recursive: true });

  const read = (offset: number, size: number) =>
    Object.assign(createRequest(), { uniqueLow: 7, uniqueHigh: 9, offset, size });

  function received(kernel: number, length: number): Buffer {
    const into = Buffer.alloc(length);
    for (let at = 0; at < length; ) at += fs.readSync(kernel, into, at, length - at, null);
    return into;
  }

  it('is a header and the bytes', () =>
    withSockets((device, kernel) => {
      const splicer = new Splicer(device);
      for (const [offset, size] of [
        [0, 131_072],
        [4096, 32_768],
        [12_345, 54_321],
      ] as const) {
        assert.ok(splicer.answer(read(offset, size), descriptor));
        const header = Buffer.alloc(16);
        header.writeUInt32LE(16 + size);
        header.writeUInt32LE(7, 8);
        header.writeUInt32LE(9, 12);
        const expected = Buffer.concat([header, bytes.subarray(offset, offset + size)]);
        assert.ok(received(kernel, 16 + size).equals(expected), `${size} at ${offset}`);
      }
      splicer.close();
    }));

  it('is none when the file ends before it, and the next one is whole', () =>
    withSockets((device, kernel) => {
      const splicer = new Splicer(device);
      assert.ok(!splicer.answer(read(150_000, 65_536), descriptor));
      assert.ok(!splicer.answer(read(300_000, 65_536), descriptor));
      assert.ok(splicer.answer(read(100_000, 65_536), descriptor));
      assert.ok(
        received(kernel, 16 + 65_536)
          .subarray(16)
          .equals(bytes.subarray(100_000, 165_536)),
      );
      splicer.close();
    }));

  it('is none when what is open cannot be spliced', () =>
    withSockets(device => {
      const directory = fs.openSync('/', 'r');
      const splicer = new Splicer(device);
      assert.ok(!splicer.answer(read(0, 65_536), directory));
      splicer.close();
      fs.closeSync(directory);
    }));

  it('is for reads of some size, that the pipe can hold', () => {
    const worth = [1, 4096, 65_536, 131_072, 262_144, 2 ** 20].map(size => Splicer.isWorthIt(size));
    assert.deepEqual(worth, [false, false, true, true, true, false]);
  });
});
