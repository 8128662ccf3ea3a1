/** Random additions to and removals from a set of intervals, against a set of numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Interval, Intervals } from '../../src/cache/intervals.js';
import { runs } from '../support/random.js';

const HIGHEST = 40;

const range = fc.tuple(fc.nat(HIGHEST), fc.nat(HIGHEST)).map(([start, end]) => ({ start, end }));
const change = fc.record({ kind: fc.constantFrom('add', 'add', 'remove'), range });

function numbersIn({ start, end }: Interval): number[] {
  return Array.from({ length: Math.max(end - start, 0) }, (_, at) => start + at);
}

/** Longest runs of neighbours among the numbers from `start` on that `has` is true for. */
function runsOf(numbers: readonly number[]): Interval[] {
  const found: { start: number; end: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last?.end === number) last.end++;
    else found.push({ start: number, end: number + 1 });
  }
  return found;
}

test('intervals are what a set of numbers is, as few as can be, and in order', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), range, (changes, asked) => {
      const intervals = new Intervals();
      const numbers = new Set<number>();
      for (const { kind, range: each } of changes) {
        if (kind === 'add') intervals.add(each.start, each.end);
        else intervals.remove(each.start, each.end);
        for (const number of numbersIn(each)) kind === 'add' ? numbers.add(number) : numbers.delete(number);
        assert.deepEqual([...intervals], runsOf([...numbers].sort((a, b) => a - b)));
      }
      assert.equal(intervals.count, [...intervals].length);
      const absent = numbersIn(asked).filter(number => !numbers.has(number));
      assert.equal(intervals.covers(asked.start, asked.end), absent.length === 0);
      assert.deepEqual(intervals.gaps(asked.start, asked.end), runsOf(absent));
    }),
    runs(2_000),
  );
});
