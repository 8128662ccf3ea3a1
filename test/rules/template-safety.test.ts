/** Whatever the values and the template: what comes out can be used as a path below a directory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Facts } from '../../src/query/facts.js';
import { expand } from '../../src/rules/expand.js';
import { parseTemplate } from '../../src/rules/parse-template.js';
import { type Template, TemplateError } from '../../src/rules/template.js';
import { factsOf } from '../support/facts.js';
import { runs } from '../support/random.js';

const hostile = fc.constantFrom(
  '.',
  '..',
  '/',
  '../..',
  '\0',
  '\n',
  ' ',
  '\u0085',
  '\ud800',
  '\u202e',
  '\uef80',
  '',
);
const long = fc
  .tuple(
    fc.constantFrom('x', '語', '👩‍👩‍👧', 'e\u0301', '. ', '/', 'a\u0300\u0301'),
    fc.integer({ min: 80, max: 400 }),
  )
  .map(([unit, times]) => unit.repeat(times));
const text = fc
  .array(fc.oneof(hostile, fc.string({ unit: 'binary' }), long, fc.string()), { maxLength: 4 })
  .map(each => each.join(''));
const value = fc.oneof(
  text,
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom('2024-05-01', '20240501', '1.5'),
);
const property = fc.oneof(value, fc.array(value, { maxLength: 12 }));

const names = ['a', 'b', 'c.d', 'path', 'dir', 'fileName', 'stem', 'ext', 'label', 'mtime', 'size', 'type'];
const facts: fc.Arbitrary<Facts> = fc
  .record({
    path: text,
    name: text,
    source: text,
    mtimeMs: fc.double(),
    labels: fc.array(text, { maxLength: 12 }).map(each => new Set(each)),
    properties: fc.dictionary(fc.constantFrom('a', 'b', 'c.d'), property),
  })
  .map(factsOf);

const modifier = fc.constantFrom('', ':pad2', ':upper', ':lower:title', ':slug', ':YYYY-MM', ':YYYY:slug');
const reference = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom('', '*'), modifier)
  .map(each => each.join(''));
const literal = fc.oneof(
  fc.constantFrom('/', '.', '..', ' ', '{{', '}}', ')', 'x', '"'),
  fc.string({ maxLength: 5 }),
);
const choice = fc
  .tuple(reference, reference, fc.constantFrom('', '?', '|"x"', '|"/"', '|""'))
  .map(([first, second, end]) => `{${first}|${second}${end}}`);
const simple = fc.tuple(reference, fc.constantFrom('', '?')).map(each => `{${each.join('')}}`);
const written = fc.letrec<{ template: string; part: string; condition: string }>(tie => ({
  template: fc.array(tie('part'), { minLength: 1, maxLength: 6 }).map(parts => parts.join('')),
  part: fc.oneof({ maxDepth: 3 }, literal, simple, choice, tie('condition')),
  condition: fc
    .tuple(fc.constantFrom(...names), tie('template'))
    .map(([name, inner]) => `{${name}?(${inner})}`),
})).template;

function parsed(template: string): Template | undefined {
  try {
    return parseTemplate(template);
  } catch (error) {
    assert.ok(error instanceof TemplateError, `${error}`);
    assert.ok(error.column >= 1 && error.column <= template.length + 1, `column ${error.column}`);
    return undefined;
  }
}

function checkPath(path: string): void {
  for (const segment of path.split('/')) {
    assert.ok(!['', '.', '..'].includes(segment), 'a segment that is a name');
    assert.equal(segment, segment.trim(), 'no space around a segment');
    assert.ok(!/[\p{Cc}\p{Cs}]/u.test(segment), 'no control characters, no half characters');
    assert.ok(Buffer.byteLength(segment) <= 255, 'a name of at most 255 bytes');
  }
}

test('a path is a path, whatever the values and the template', () => {
  let places = 0;
  fc.assert(
    fc.property(written, facts, (template, file) => {
      const ready = parsed(template);
      if (ready === undefined) return;
      const result = expand(ready, file);
      if ('missing' in result) return assert.notEqual(result.missing, '');
      places += result.paths.length;
      assert.ok(result.paths.length >= 1 && result.paths.length <= 100);
      assert.equal(new Set(result.paths).size, result.paths.length, 'each path once');
      result.paths.forEach(checkPath);
    }),
    runs(5_000),
  );
  assert.ok(places > 500, `${places} paths`);
});

test('any text is a template, or an error that points into it', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'{}()?|*:"/.ab \n'), maxLength: 30 });
  fc.assert(
    fc.property(fc.oneof(letters, fc.string({ unit: 'binary' })), template => void parsed(template)),
    runs(5_000),
  );
});

test('a value makes no folder', () => {
  const template = parseTemplate('{a|"-"}/{b|"-"}/{c.d|"-"}/{fileName|"-"}');
  fc.assert(
    fc.property(facts, file => {
      const result = expand(template, file);
      assert.ok('paths' in result && result.paths.every(path => path.split('/').length === 4));
    }),
    runs(5_000),
  );
});
