import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration, parseSize } from '../../src/config/units.js';
import { FacetError } from '../../src/errors.js';

test('sizes are exact, in decimal and binary units', () => {
  const sizes: [string | number, number][] = [
    ['0', 0],
    [1234, 1234],
    ['1234', 1234],
    ['10GB', 10_000_000_000],
    ['10 GB', 10_000_000_000],
    [' 1GiB ', 1_073_741_824],
    ['1.5GiB', 1_610_612_736],
    ['0.1GB', 100_000_000],
    ['1.1kB', 1100],
    ['64kib', 65_536],
    ['7b', 7],
    ['9PB', 9_000_000_000_000_000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseSize(text), bytes, String(text));
});

test('durations need a unit', () => {
  const durations: [string | number, number][] = [
    ['250ms', 250],
    ['1.5s', 1500],
    ['3m', 180_000],
    ['3min', 180_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
    [0, 0],
    ['0', 0],
  ];
  for (const [text, milliseconds] of durations) assert.equal(parseDuration(text), milliseconds, String(text));
});

test('what is not a quantity is refused, and named', () => {
  for (const bad of [
    '',
    'GB',
    '-1GB',
    '1e3',
    '1.GB',
    '.5GB',
    '10 apples',
    '1,5GB',
    '0x10',
    -1,
    Number.NaN,
    1.5,
    1e300,
  ]) {
    assert.throws(() => parseSize(bad), usage(/expected a size such as|not a whole number/), String(bad));
  }
  for (const bad of ['', '30', 30, '1M', 'd', '1 year', '-1s', '0.5ms']) {
    assert.throws(
      () => parseDuration(bad),
      usage(/expected a duration such as|not a whole number/),
      String(bad),
    );
  }
  assert.throws(() => parseSize('9007199254740992'), usage(/too large/));
  assert.throws(() => parseSize('10PiB'), usage(/too large/));
  assert.throws(
    () => parseSize('9'.repeat(1_000_000)),
    (error: Error) => error.message.length < 200,
  );
});

test('a letter alone is ambiguous', () => {
  assert.throws(
    () => parseSize('10G'),
    (error: unknown) =>
      error instanceof FacetError && error.hint === 'write GB for powers of 1000 or GiB for powers of 1024',
  );
});

function usage(pattern: RegExp) {
  return (error: unknown) =>
    error instanceof FacetError && error.code === 'usage' && pattern.test(error.message);
}
