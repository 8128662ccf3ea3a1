/** Names of displaced entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { displacedName } from '../../src/tree/names.js';
import { runs } from '../support/random.js';

const MOST_BYTES = 255;

const name = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
    fc.string({ unit: 'grapheme', minLength: 1 }),
  )
  .filter(text => !/[/\0]/.test(text))
  .map(cutTo255);
const source = fc.constantFrom('docs', 'Films 2024', '写'.repeat(85), 'a'.repeat(100), '𝔸'.repeat(63));
const nth = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 }));

function cutTo255(text: string): string {
  let cut = text;
  while (Buffer.byteLength(cut) > MOST_BYTES) cut = [...cut].slice(0, -1).join('');
  return cut;
}

test('the source is named before the extension, and a number from the second one on', () => {
  assert.equal(displacedName('a.txt', 'docs', 1), 'a (docs).txt');
  assert.equal(displacedName('a.txt', 'docs', 2), 'a (docs 2).txt');
  assert.equal(displacedName('a.tar.gz', 'docs', 3), 'a.tar (docs 3).gz');
});

test('what is no extension is not taken for one', () => {
  assert.equal(displacedName('README', 'docs', 1), 'README (docs)');
  assert.equal(displacedName('.bashrc', 'docs', 1), '.bashrc (docs)');
  assert.equal(
    displacedName('Mr. Smith goes to Washington', 'docs', 1),
    'Mr. Smith goes to Washington (docs)',
  );
});

test('a long name is cut between characters, and the extension stays', () => {
  assert.equal(displacedName(`${'x'.repeat(251)}.txt`, 'docs', 1), `${'x'.repeat(244)} (docs).txt`);
  assert.equal(displacedName(`${'é'.repeat(125)}.jpeg`, 'docs', 1), `${'é'.repeat(121)} (docs).jpeg`);
  assert.equal(displacedName('😀'.repeat(63), 'docs', 12), `${'😀'.repeat(61)} (docs 12)`);
});

test('a displaced name fits into a directory, whatever the name and the source', () => {
  fc.assert(
    fc.property(name, source, nth, (wanted, from, number) => {
      const displaced = displacedName(wanted, from, number);
      assert.ok(
        Buffer.byteLength(displaced) <= MOST_BYTES,
        `${Buffer.byteLength(displaced)} bytes: ${displaced}`,
      );
      assert.equal(Buffer.from(displaced).toString(), displaced, 'no half of a character');
      assert.ok(!['.', '..', wanted].includes(displaced) && !/[/\0]/.test(displaced));
    }),
    runs(2_000),
  );
});

test('no two numbers give the same name', () => {
  fc.assert(
    fc.property(name, source, nth, nth, (wanted, from, one, other) => {
      fc.pre(one !== other);
      assert.notEqual(displacedName(wanted, from, one), displacedName(wanted, from, other));
    }),
    runs(1_000),
  );
});
