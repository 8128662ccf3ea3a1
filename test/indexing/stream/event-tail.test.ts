/** Waiting for server-sent events that do not come. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EventTail } from '../../../src/indexing/stream/event-tail.js';

const WAITS = 2_000;
const BYTES_PER_WAIT = 150;

test('a wait that is over leaves nothing behind, and the event that comes later is not lost', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const body = new PassThrough();
  const tail = new EventTail({ status: 200, headers: {}, body }, '0-0');
  const waitOften = async (times: number) => {
    for (let at = 0; at < times; at++) await tail.take(1, { waitMs: 0, gatherMs: 0 });
    collect();
    return process.memoryUsage().heapUsed;
  };

  const before = await waitOften(WAITS / 4);
  const after = await waitOften(WAITS);
  const kept = (after - before) / WAITS;
  assert.ok(kept < BYTES_PER_WAIT, `${kept} bytes are kept of each wait`);

  body.write('id: 1-0\nevent: set\ndata: {"key":"file:a/title"}\n\n');
  const taken = await tail.take(1, { waitMs: 10_000, gatherMs: 0 });
  assert.deepEqual(taken, [{ id: '1-0', fields: ['type', 'set', 'key', 'file:a/title'] }]);
  tail.close();
});
