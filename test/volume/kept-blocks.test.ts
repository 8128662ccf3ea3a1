/** Blocks that are in memory for a moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptBlocks } from '../../src/volume/kept-blocks.js';

test('to forget the blocks of one key leaves those of others, whatever they are called', () => {
  const kept = new KeptBlocks(100);
  const keys = ['film', 'old film', '0 film'];
  for (const key of keys) {
    kept.put(key, 0, Buffer.alloc(10));
    kept.hold(key, 1, Buffer.alloc(10));
  }
  kept.forget('film');
  for (const offset of [0, 1])
    assert.deepEqual(
      keys.map(key => kept.has(key, offset)),
      [false, true, true],
    );
});
