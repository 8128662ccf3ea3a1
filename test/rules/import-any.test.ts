/** Whatever the rules of another program are: what is made of them is right by facet's own check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { importMetamesh } from '../../src/rules/import-metamesh.js';
import { importMosaicfs } from '../../src/rules/import-mosaicfs.js';
import { placing } from '../support/placing.js';
import { runs } from '../support/random.js';

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'{}()?|*:"/.a b#\'\n\\&-!%@,[]') }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('fileName', 'season', 'mtime', 'size', 'label', 'age', 'name', 'a/b', '(?<!a)', '../x', ''),
);
const some = text.filter(each => each !== '');
const number = fc.double({ noNaN: true, noDefaultInfinity: true });

const leaf = fc.record({
  type: fc.constantFrom(
    'EXISTS',
    'NOT_EXISTS',
    'EQUALS',
    'NOT_EQUALS',
    'CONTAINS',
    'MATCHES',
    'lessThan',
    'other',
  ),
  field: some,
  value: fc.oneof(text, number, fc.boolean()),
});
const { condition } = fc.letrec(tie => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.record({
      operator: fc.constantFrom('AND', 'or'),
      conditions: fc.array(tie('condition'), { maxLength: 4 }),
    }),
  ),
}));
const rule = fc.record(
  {
    id: text,
    name: text,
    description: text,
    enabled: fc.boolean(),
    priority: fc.integer(),
    conditions: condition,
    template: some,
    fallbackToUnsorted: fc.boolean(),
  },
  { requiredKeys: ['template'] },
);

test('every file has one place by the rules of MetaMesh', () => {
  const config = fc.record(
    { rules: fc.array(rule, { maxLength: 4 }), defaultRule: rule },
    { requiredKeys: ['rules'] },
  );
  fc.assert(
    fc.property(config, each => {
      const { text: written } = importMetamesh(JSON.stringify(each), 'r.json');
      assert.equal(placing(written)({ path: 'a/b' }).length, 1, written);
    }),
    runs(150),
  );
});

const step = fc.record(
  {
    op: fc.constantFrom(
      'glob',
      'regex',
      'age',
      'size',
      'mime',
      'node',
      'label',
      'annotation',
      'access_age',
      'other',
    ),
    pattern: text,
    flags: text,
    days: number,
    bytes: fc.oneof(fc.nat(), number),
    label: text,
    node_id: text,
    plugin_name: text,
    key: text,
    value: text,
    invert: fc.boolean(),
    on_match: fc.constantFrom('include', 'exclude', 'continue'),
  },
  { requiredKeys: ['op'] },
);
const path = fc
  .array(fc.constantFrom('a', 'b', 'c{d}', 'e f', ':'), { maxLength: 3 })
  .map(names => `/${names.join('/')}`);
const mount = fc.record(
  {
    mount_id: text,
    source: fc.oneof(
      fc.record({ node_id: fc.oneof(text, fc.constant('*')), export_path: path }),
      fc.record({ label: text }),
    ),
    strategy: fc.constantFrom('prefix_replace', 'flatten'),
    source_prefix: path,
    steps: fc.array(step, { maxLength: 3 }),
    default_result: fc.constantFrom('include', 'exclude'),
  },
  { requiredKeys: ['source', 'strategy'] },
);
const directory = fc.record({
  virtual_path: path,
  enforce_steps_on_children: fc.boolean(),
  mounts: fc.array(mount, { maxLength: 3 }),
});

interface Written {
  directories: { mounts?: { from: string }[] }[];
}

test('directories of MosaicFS become directories of facet', () => {
  fc.assert(
    fc.property(fc.array(directory, { minLength: 1, maxLength: 4 }), directories => {
      const { text: written } = importMosaicfs(JSON.stringify(directories), 'd.json');
      const { directories: found }: Written = parse(written);
      const sources = found.flatMap(({ mounts = [] }) => mounts.map(({ from }) => from.replace(/:.*/, '')));
      assert.doesNotThrow(() => placing(written, sources), written);
      const paths = new Set(directories.map(each => each.virtual_path.replace(/\/$/, '')));
      assert.equal(found.length, paths.size);
    }),
    runs(150),
  );
});
