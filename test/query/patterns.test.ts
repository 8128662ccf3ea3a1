/** Patterns match in linear time, and globs as everywhere else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob } from '../../src/query/glob.js';
import { compileLinearGlob, compileRegex } from '../../src/query/patterns.js';
import { runs } from '../support/random.js';

const pieces = [
  '*',
  '**',
  '?',
  '/',
  'a',
  'b',
  '.',
  '.a',
  '[ab]',
  '[!a]',
  '{a,b}',
  '{a,*b}',
  '\\*',
  '(a)',
  '"',
  '-',
  '+',
  '!',
  '|',
  '$',
];
const glob = fc
  .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 })
  .map(parts => parts.join(''));
const path = fc
  .array(fc.constantFrom('a', 'b', 'ab', '.a', 'a.b', '*', 'a(a)', '"a', 'a\nb', '-', '+a', '[ab]', '!'), {
    minLength: 1,
    maxLength: 4,
  })
  .map(names => names.join('/'));

test('a glob of a query matches what other globs match', () => {
  fc.assert(
    fc.property(glob, fc.array(path, { minLength: 10, maxLength: 30 }), (pattern, paths) => {
      // A slash at the end, or two in a row, is nothing that a path has.
      fc.pre(!/\/\/|^\/|\/$/.test(pattern));
      const [linear, other] = [compileLinearGlob(pattern), compileGlob(pattern)];
      for (const each of paths) assert.equal(linear(each), other(each), `${pattern} ${each}`);
    }),
    runs(2000),
  );
});

test('patterns made to be slow are not', () => {
  const name = 'a'.repeat(255);
  assert.equal(compileLinearGlob(`${'*a'.repeat(60)}b`)(name), false);
  assert.equal(compileRegex(`${'(a*)*'.repeat(10)}b`, false)(name), false);
  assert.equal(compileRegex(`${'(a|a)*'.repeat(10)}b`, true)(name), false);
  const deep = 'x/'.repeat(2000);
  assert.equal(compileLinearGlob('**/x/**/x/**/x/**/x/**/b')(`${deep}a`), false);
});

test('a regular expression that would be huge is refused', () => {
  assert.throws(() => compileRegex('((a{100}){100}){100}', false), { code: 'usage' });
});
