import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { getHeapSpaceStatistics } from 'node:v8';
import { keepYoungGenerations, startThread } from '../../src/config/threads.js';

function youngBytes(): number {
  return (
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? Number.NaN
  );
}

/** Makes what V8 lets the space for new objects grow for: objects that live a while. */
function work(): void {
  let alive: object[] = [];
  for (let nth = 0; nth < 2_000_000; nth++) {
    alive.push({ nth, of: [nth] });
    if (alive.length > 30_000) alive = [];
  }
}

test('the space for new objects stays as it is, whatever threads are started afterwards', async () => {
  keepYoungGenerations();
  await once(startThread(new URL('data:text/javascript,'), undefined), 'exit');
  const before = youngBytes();
  work();
  assert.equal(youngBytes(), before);
});
