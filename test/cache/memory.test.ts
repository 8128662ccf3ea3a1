/** Contents in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTier } from '../../src/cache/memory.js';

test('what was used least recently goes first, and the bound holds', () => {
  const memory = new MemoryTier(160);
  for (let at = 0; at < 16; at++) memory.set(`k${at}`, Buffer.alloc(10, at));
  assert.equal(memory.bytes, 160);
  assert.deepEqual(memory.get('k0'), Buffer.alloc(10, 0));
  memory.set('more', Buffer.alloc(5));
  assert.deepEqual([memory.get('k1'), memory.get('k0')?.byteLength, memory.bytes], [undefined, 10, 155]);
});

test('contents that are replaced or deleted count no more', () => {
  const memory = new MemoryTier(160);
  memory.set('k', Buffer.alloc(10));
  memory.set('k', Buffer.alloc(3));
  assert.equal(memory.bytes, 3);
  memory.delete('k');
  memory.delete('k');
  assert.deepEqual([memory.get('k'), memory.bytes], [undefined, 0]);
});

test('large contents are not held, and do not leave an older version behind', () => {
  const memory = new MemoryTier(160);
  memory.set('k', Buffer.alloc(10));
  memory.set('k', Buffer.alloc(11));
  assert.deepEqual(
    [memory.get('k'), memory.bytes, memory.accepts(10), memory.accepts(11)],
    [undefined, 0, true, false],
  );
});
