/** Several items at once: as many as there is room for, every result once, and nothing kept of those that are done. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inParallel } from '../../commands/parallel.js';

function* numbers(below: number): Generator<number> {
  for (let number = 0; number < below; number++) yield number;
}

test('every result comes once, and never more is under way than there is room for', async () => {
  let [underWay, most] = [0, 0];
  const results: number[] = [];
  const work = async (item: number) => {
    most = Math.max(most, ++underWay);
    for (let turns = item % 3; turns >= 0; turns--) await turn();
    underWay--;
    return item;
  };
  for await (const result of inParallel(numbers(100), 4, work)) results.push(result);
  assert.deepEqual(
    results.sort((a, b) => a - b),
    [...numbers(100)],
  );
  assert.equal(most, 4);
});

test('a failure ends it, once what is under way has ended', async () => {
  const ended: number[] = [];
  const work = async (item: number) => {
    if (item === 5) throw new Error('the fifth');
    for (let turns = 0; turns < 5; turns++) await turn();
    ended.push(item);
  };
  await assert.rejects(async () => {
    for await (const _ of inParallel(numbers(100), 4, work));
  }, /the fifth/);
  const before = ended.length;
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.deepEqual([ended.length, ended.length < 10], [before, true]);
});

test('an item that takes long keeps nothing of the others', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const results: WeakRef<object>[] = [];
  let end = () => {};
  const long = new Promise<void>(resolve => {
    end = resolve;
  });
  const work = async (item: number) => {
    if (item === 0) await long;
    else await turn();
    const result = { item };
    results.push(new WeakRef(result));
    if (item === 999) {
      await turn();
      collectGarbage();
      const kept = results.filter(each => each.deref() !== undefined).length;
      end();
      assert.ok(kept < 20, `${kept} of ${results.length} results are kept`);
    }
    return result;
  };
  for await (const _ of inParallel(numbers(1_000), 4, work));
  assert.equal(results.length, 1_000);
});
