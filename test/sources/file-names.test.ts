/** Names on disk are bytes; in the catalog they are text. Nothing may be lost on the way there and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeName, encodeName, fsPath, isEscaped, needsBytes } from '../../src/sources/file-names.js';
import { runs } from '../support/random.js';

const SLASH = 0x2f;

/** Bytes of which the interesting ones are frequent: ASCII, and the parts of characters of two to four bytes. */
const byte = fc.oneof(
  fc.integer({ min: 1, max: 255 }),
  fc.constantFrom(
    0x61,
    0x7f,
    0x80,
    0xbf,
    0xc2,
    0xc3,
    0xe0,
    0xed,
    0xee,
    0xef,
    0xf0,
    0xf4,
    0xf5,
    0xff,
    0xbe,
    0xbd,
  ),
);

/** What a directory can have: any bytes but NUL and the slash. */
const nameBytes = fc
  .array(
    byte.filter(each => each !== SLASH),
    { minLength: 1, maxLength: 40 },
  )
  .map(bytes => Buffer.from(bytes));

/** Text of whole characters, those that stand for escaped bytes among them. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter(each => each !== '\0' && each !== '/'),
      fc.integer({ min: 0xef00, max: 0xefff }).map(code => String.fromCharCode(code)),
      fc.constantFrom('\ufffd', '\ufeff', '\u202e', '\n'),
    ),
    { minLength: 1, maxLength: 20 },
  )
  .map(characters => characters.join(''));

const withoutEscapes = text.filter(each => !/[\uef80-\uefff]/.test(each));

test('every name comes back as the bytes it was', () => {
  fc.assert(
    fc.property(nameBytes, bytes => {
      assert.deepEqual(encodeName(decodeName(bytes)), bytes);
    }),
    runs(4_000),
  );
});

test('every name in UTF-8 comes back as the bytes it was, whatever characters it has', () => {
  fc.assert(
    fc.property(text, name => {
      const bytes = Buffer.from(name);
      assert.deepEqual(encodeName(decodeName(bytes)), bytes);
    }),
    runs(1_500),
  );
});

test('two names on disk are two names in the catalog', () => {
  fc.assert(
    fc.property(nameBytes, nameBytes, (one, other) => {
      fc.pre(!one.equals(other));
      assert.notEqual(decodeName(one), decodeName(other));
    }),
    runs(4_000),
  );
});

test('no name in UTF-8 means the same as one that is not', () => {
  fc.assert(
    fc.property(nameBytes, bytes => {
      const again = Buffer.from(decodeName(bytes));
      if (!again.equals(bytes)) assert.notEqual(decodeName(again), decodeName(bytes));
    }),
    runs(1_500),
  );
});

test('a name in UTF-8 is what it is', () => {
  fc.assert(
    fc.property(withoutEscapes, name => {
      assert.equal(decodeName(Buffer.from(name)), name);
      assert.equal(isEscaped(name), false);
      assert.deepEqual(encodeName(name), Buffer.from(name));
    }),
    runs(1_500),
  );
});

test('a decoded name is text that JSON and SQLite keep: no half of a pair', () => {
  fc.assert(
    fc.property(nameBytes, bytes => {
      const name = decodeName(bytes);
      assert.equal(Buffer.from(name).toString(), name);
    }),
    runs(1_500),
  );
});

test('a decoded name is one segment, never a way to another folder', () => {
  fc.assert(
    fc.property(nameBytes, bytes => {
      const name = decodeName(bytes);
      assert.ok(!name.includes('/') && !name.includes('\0'));
      if (name === '.' || name === '..') assert.deepEqual(bytes, Buffer.from(name));
    }),
    runs(1_500),
  );
});

test('Node decodes a name as decodeName does, or shows that it must be looked at again', () => {
  fc.assert(
    fc.property(nameBytes, bytes => {
      const decoded = bytes.toString('utf8');
      assert.ok(needsBytes(decoded) || decoded === decodeName(bytes));
    }),
    runs(1_500),
  );
});

test('paths are encoded name by name', () => {
  fc.assert(
    fc.property(fc.array(nameBytes, { minLength: 1, maxLength: 5 }), names => {
      const path = names.map(decodeName).join('/');
      const bytes = Buffer.from(names.map(name => name.toString('latin1')).join('/'), 'latin1');
      assert.deepEqual(Buffer.from(fsPath(path)), bytes);
    }),
    runs(1_500),
  );
});

test('bytes that are no character are shown as one character each', () => {
  assert.equal(decodeName(Buffer.from([0x61, 0xff, 0x62])), 'a\uefffb');
  assert.equal(decodeName(Buffer.from([0xc3])), '\uefc3');
  assert.equal(decodeName(Buffer.from([0xe2, 0x82, 0x41])), '\uefe2\uef82A');
  assert.equal(decodeName(Buffer.from([0xed, 0xa0, 0x80])), '\uefed\uefa0\uef80', 'half of a pair');
  assert.equal(decodeName(Buffer.from([0xc0, 0xaf])), '\uefc0\uefaf', 'a slash in disguise');
});

test('the sign for what could not be read is a character like others', () => {
  assert.equal(decodeName(Buffer.from('a\ufffdb')), 'a\ufffdb');
  assert.equal(decodeName(Buffer.from('\ufeffa')), '\ufeffa', 'a byte order mark stays');
});
