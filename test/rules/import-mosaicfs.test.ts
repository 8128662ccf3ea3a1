/** Virtual directories of MosaicFS: what they say in facet's language, and that they show the same files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { FacetError } from '../../src/errors.js';
import { importMosaicfs } from '../../src/rules/import-mosaicfs.js';
import { placing } from '../support/placing.js';
import { runs } from '../support/random.js';

const documents = { node_id: 'laptop', export_path: '/home/u/documents' };

function mount(more: object = {}) {
  return { mount_id: 'm', source: documents, strategy: 'prefix_replace', ...more };
}

function directory(path: string, mounts: object[], more: object = {}) {
  return { type: 'virtual_directory', virtual_path: path, mounts, ...more };
}

function imported(...directories: object[]) {
  return importMosaicfs(JSON.stringify(directories, null, 1), 'dirs.json');
}

interface Written {
  directories: { path: string; inherit?: boolean; steps?: object[]; default?: string; mounts?: object[] }[];
}

function written(...directories: object[]): Written['directories'] {
  const { directories: found }: Written = parse(imported(...directories).text);
  return found;
}

/** What one mount becomes. */
function mountOf(more: object): object | undefined {
  return written(directory('/d', [mount(more)]))[0]?.mounts?.[0];
}

test('directories, mounts and steps', () => {
  const { text, warnings } = imported(
    directory('/documents/work', [
      mount({
        steps: [
          { op: 'glob', pattern: '**/archive/**', on_match: 'exclude' },
          { op: 'regex', pattern: 'URGENT', on_match: 'include' },
          { op: 'age', max_days: 90 },
        ],
        default_result: 'exclude',
      }),
    ]),
    directory('/documents', [], { system: true }),
  );
  assert.equal(
    text,
    `# The virtual directories of MosaicFS from dirs.json.
# The source documents stands for /home/u/documents on laptop.

version: 1
directories:
  - path: /documents
  - path: /documents/work
    mounts:
      # /home/u/documents on laptop
      - name: m
        from: documents
        place: keep
        collide: newest
        steps:
          - match: path:**/archive/**
            then: exclude
          - match: path~"URGENT"
            then: include
          - match: age<90d
            then: include
        default: exclude
`,
  );
  assert.deepEqual(warnings, [
    'the source documents stands for /home/u/documents on laptop: add it by this name, or write that of the source you have',
  ]);
});

/** The query of one step, and what was warned of. */
function asked(step: object): [query: unknown, warnings: string[]] {
  const { text, warnings } = imported(directory('/d', [mount({ steps: [step] })]));
  const found: { directories: { mounts: { steps?: { match: string }[] }[] }[] } = parse(text);
  return [found.directories[0]?.mounts[0]?.steps?.[0]?.match, warnings.slice(0, -1)];
}

test('every step, as its documentation has it and as its program has it', () => {
  const queries: [step: object, query: string][] = [
    [{ op: 'glob', pattern: '*.pdf' }, 'name:*.pdf'],
    [{ op: 'glob', pattern: '*.pdf', invert: true }, 'not name:*.pdf'],
    [{ op: 'glob', pattern: '/home/u/documents/a b/*' }, 'path:"a b/*"'],
    [{ op: 'glob', pattern: '/**/tmp/*' }, 'path:**/tmp/*'],
    [{ op: 'regex', pattern: '\\.(jpe?g|"x")$', flags: 'i' }, `path~i'\\.(jpe?g|"x")$'`],
    [{ op: 'regex', pattern: '^/home/u/documents/a' }, 'path~"^a"'],
    [{ op: 'age', max_days: 90 }, 'age<90d'],
    [{ op: 'age', min_days: 7, max_days: 90 }, 'age>7d and age<90d'],
    [{ op: 'age', min_days: 7, max_days: 90, invert: true }, 'not (age>7d and age<90d)'],
    [{ op: 'age', days: 30, comparison: 'lt' }, 'age<30d'],
    [{ op: 'age', days: 30 }, 'age>=31d'],
    [{ op: 'age', days: 30, comparison: 'eq' }, 'age>=30d and age<31d'],
    [{ op: 'size', min_bytes: 1024, max_bytes: 5_000_000 }, 'size>=1KiB and size<=5MB'],
    [{ op: 'size', bytes: 100, comparison: 'lt' }, 'size<100'],
    [{ op: 'mime', types: ['image/*', 'application/pdf'] }, 'mime:image/* or mime=application/pdf'],
    [{ op: 'mime', pattern: 'image/' }, 'mime~i"image/"'],
    [{ op: 'label', labels: ['work', 'to do'] }, 'label=work and label="to do"'],
    [{ op: 'label', label: 'work', invert: true }, 'label!=work'],
    [{ op: 'annotation', plugin_name: 'ocr', key: 'language' }, 'annotation.ocr.language is present'],
    [{ op: 'annotation', plugin_name: 'ocr', key: 'language', value: 'de' }, 'annotation.ocr.language=de'],
    [
      { op: 'annotation', plugin_name: 'ai', key: 'tags.primary', regex: '^a' },
      'annotation.ai.tags.primary~"^a"',
    ],
    [{ op: 'access_age', min_days: 90 }, 'accessed>90d or accessed is missing'],
    [{ op: 'access_age', max_days: 90, missing: 'exclude' }, 'accessed<90d and accessed is present'],
  ];
  for (const [step, query] of queries) assert.deepEqual(asked(step), [query, []]);
});

test('what cannot be asked never matches, and is told', () => {
  const never: [step: object, warning: RegExp][] = [
    [{ op: 'replicated', target_name: 'offsite' }, /the step replicated .*never matches/],
    [{ op: 'moon_phase' }, /the step moon_phase .*never matches/],
    [{ op: 'glob' }, /the step glob .*never matches/],
    [{ op: 'regex', pattern: '(?<!a)b' }, /the step regex never matches: .*not a regular expression/],
    [{ op: 'age', max_days: -1 }, /the step age never matches/],
  ];
  for (const [step, warning] of never) {
    const [query, warnings] = asked(step);
    assert.equal(query, 'name is missing');
    assert.match(warnings.join(), warning);
    assert.equal(asked({ ...step, invert: true })[0], 'name is present');
  }
  const warned: [step: object, query: string, warning: RegExp][] = [
    [{ op: 'node', node_ids: ['nas', 'b 1'] }, 'node in [nas, "b 1"]', /node is called nas,.*called b 1/],
    [{ op: 'annotation', plugin_name: 'ocr' }, 'annotation.ocr is present', /any annotation of ocr/],
    [{ op: 'glob', pattern: '/srv/*' }, 'path:srv/*', /check \/srv\/\*/],
  ];
  for (const [step, query, warning] of warned) {
    const [found, warnings] = asked(step);
    assert.equal(found, query);
    assert.match(warnings.join(), warning);
  }
  assert.deepEqual(asked({ op: 'glob', pattern: '*', on_match: 'continue' }), [undefined, []]);
});

test('where files come from, and where they go', () => {
  const base = { name: 'm', from: 'documents', place: 'keep', collide: 'newest' };
  assert.deepEqual(mountOf({ source_prefix: '/home/u/documents/' }), base);
  assert.deepEqual(mountOf({ strategy: 'flatten' }), { ...base, place: 'flat' });
  assert.deepEqual(mountOf({ source_prefix: '/home' }), { ...base, place: 'u/documents/{path}' });
  assert.deepEqual(mountOf({ source_prefix: '/home/u/documents/a/b' }), { ...base, from: 'documents:a/b/' });
  const { collide, ...suffix } = base;
  assert.equal(collide, 'newest');
  assert.deepEqual(mountOf({ conflict_policy: 'suffix_node_id' }), suffix);
  assert.deepEqual(mountOf({ source: { node_id: '*', export_path: '/' } }), { ...base, from: '*' });
  const label = mountOf({ source: { label: 'work' }, strategy: 'flatten' });
  assert.deepEqual(label, { ...base, from: '*', where: 'label=work', place: 'flat' });
  const foreign = imported(directory('/d', [mount({ source: { federated_import_id: 'x' } })]));
  assert.match(foreign.warnings.join(), /another MosaicFS/);
  assert.doesNotThrow(() => placing(foreign.text));
  assert.match(
    imported(directory('/d', [mount({ source_prefix: '/srv' })])).warnings.join(),
    /not a part of/,
  );
  const everywhere = imported(directory('/d', [mount({ source: { node_id: '*', export_path: '/srv' } })]));
  assert.match(everywhere.warnings.join(), /every source/);
});

test('each folder of a node is a source of its own', () => {
  const from = (node_id: string, export_path: string) => mount({ source: { node_id, export_path } });
  const { text } = imported(
    directory('/d', [
      from('a', '/x/docs'),
      from('a', '/y/docs'),
      from('b', '/x/docs'),
      from('a', '/z/docs/'),
      from('a', '/x/docs/'),
      from('n:1', '/'),
      from('a', '/: *'),
    ]),
  );
  const names = [...text.matchAll(/from: (.*)/g)].map(([, name]) => name);
  assert.deepEqual(names, ['docs', 'a-docs', 'b-docs', 'docs 2', 'docs', 'n-1', 'source']);
  assert.doesNotThrow(() => placing(text, ['docs', 'a-docs', 'b-docs', 'docs 2', 'n-1', 'source']));
});

const exclude = (pattern: string) => ({ op: 'glob', pattern, on_match: 'exclude' });

test('filters that bind what is below', () => {
  const enforcing = { enforce_steps_on_children: true };
  const { text, warnings } = imported(
    directory('/a', [mount({ steps: [exclude('*.tmp')] })], enforcing),
    directory('/a/b', [mount({ steps: [{ op: 'glob', pattern: '*', on_match: 'include' }] })]),
    directory('/ab', [mount()]),
  );
  assert.equal(warnings.length, 1);
  const places = placing(text, ['documents']);
  assert.deepEqual(places({ source: 'documents', path: 'x.tmp' }), ['ab/x.tmp']);
  assert.deepEqual(places({ source: 'documents', path: 'x.txt' }), ['a/x.txt', 'a/b/x.txt', 'ab/x.txt']);
});

test('several filters that bind what is below', () => {
  const enforcing = { enforce_steps_on_children: true };
  const { text, warnings } = imported(
    directory('/a', [mount({ steps: [exclude('*.tmp')] }), mount({ steps: [exclude('*.bak')] })], enforcing),
    directory('/a/b', [mount({ steps: [exclude('*.c')] })], enforcing),
    directory('/a/b/c', [mount()]),
    directory('/a/d', []),
  );
  assert.match(warnings[0] ?? '', /^\/a: its mounts have several filters/);
  const places = placing(text, ['documents']);
  const of = (path: string) => places({ source: 'documents', path });
  assert.deepEqual(of('x.tmp'), ['a/x.tmp']);
  assert.deepEqual(of('x.bak'), ['a/x.bak']);
  assert.deepEqual(of('x.c'), ['a/x.c']);
  assert.deepEqual(of('x'), ['a/x', 'a/b/x', 'a/b/c/x']);
});

interface Step {
  op: string;
  pattern?: string;
  bytes?: number;
  comparison?: string;
  label?: string;
  invert: boolean;
  on_match: string;
}

/** MosaicFS's evaluation of steps, from its documentation. */
function includes(
  steps: readonly Step[],
  rest: string,
  file: { name: string; size: number; labels: Set<string> },
): boolean {
  for (const step of steps) {
    if (tests(step, file) === step.invert || step.on_match === 'continue') continue;
    return step.on_match === 'include';
  }
  return rest === 'include';
}

function tests(
  step: Step,
  { name, size, labels }: { name: string; size: number; labels: Set<string> },
): boolean {
  if (step.op === 'glob') return name.endsWith((step.pattern ?? '').slice(1));
  if (step.op === 'label') return labels.has(step.label ?? '');
  if (step.op !== 'size') return false;
  return step.comparison === 'lt' ? size < (step.bytes ?? 0) : size > (step.bytes ?? 0);
}

test('steps decide as they do in MosaicFS', () => {
  const any = fc.oneof(
    fc.record({ op: fc.constant('glob'), pattern: fc.constantFrom('*.pdf', '*f', '*') }),
    fc.record({ op: fc.constant('size'), bytes: fc.nat(3), comparison: fc.constantFrom('lt', 'gt') }),
    fc.record({ op: fc.constant('label'), label: fc.constantFrom('a', 'b') }),
    fc.record({ op: fc.constant('replicated') }),
  );
  const rest = fc.constantFrom('include', 'exclude');
  const decision = fc.record({
    invert: fc.boolean(),
    on_match: fc.constantFrom('include', 'exclude', 'continue'),
  });
  const step = fc.tuple(any, decision).map(([op, decided]): Step => ({ ...op, ...decided }));
  const file = fc.record({
    name: fc.constantFrom('x.pdf', 'x.gif', 'x'),
    size: fc.nat(3),
    labels: fc.subarray(['a', 'b']).map(each => new Set(each)),
  });
  const steps = fc.array(step, { maxLength: 4 });
  fc.assert(
    fc.property(steps, steps, rest, fc.array(file, { maxLength: 5 }), (above, own, result, files) => {
      const { text } = imported(
        directory('/a', [mount({ steps: above })], { enforce_steps_on_children: true }),
        directory('/a/b', [mount({ steps: own, default_result: result })]),
      );
      const places = placing(text, ['documents']);
      for (const each of files) {
        const shown = places({ source: 'documents', path: each.name, size: each.size, labels: each.labels });
        const inAbove = includes(above, 'include', each);
        const expected = [
          ...(inAbove ? [`a/${each.name}`] : []),
          ...(inAbove && includes(own, result, each) ? [`a/b/${each.name}`] : []),
        ];
        assert.deepEqual(shown, expected);
      }
    }),
    runs(150),
  );
});

test('documents as CouchDB gives them', () => {
  const one = directory('/d', [mount()]);
  const { text } = imported(one);
  const others = [
    { _id: 'node::a', type: 'node' },
    { type: 'notification', source: 'x' },
  ];
  for (const shape of [one, [one, ...others], { docs: [...others, one] }, { rows: [{ doc: one }] }]) {
    assert.equal(importMosaicfs(JSON.stringify(shape), 'dirs.json').text, text);
  }
  assert.match(imported(one, one).warnings.join(), /\/d: another document/);
});

test('what is wrong, and where', () => {
  const fails = (text: string, message: RegExp) =>
    assert.throws(
      () => importMosaicfs(text, 'd.json'),
      (error: unknown) =>
        error instanceof FacetError && error.code === 'usage' && message.test(error.message),
      text,
    );
  fails('[', /^d\.json:1:\d+: /);
  fails('[]', /there is no virtual_directory in it/);
  fails(
    '{"docs": [{"type": "virtual_directory"}]}',
    /docs\.0: expected a virtual_directory with a virtual_path/,
  );
  fails('[{"virtual_path": "d"}]', /0\.virtual_path: expected a path that begins with a slash, found 'd'/);
  const mounts = (json: string) => `[{"virtual_path": "/d",\n"mounts": [${json}]}]`;
  fails(
    mounts('{"source": {}}'),
    /^d\.json:2:12: 0\.mounts\.0\.strategy: expected prefix_replace or flatten, found nothing/,
  );
  fails(
    mounts('{"strategy": "flatten"}'),
    /mounts\.0\.source: expected a source, with node_id and export_path/,
  );
  fails(
    mounts('{"strategy": "flatten", "source": {}, "steps": [{"op": "age", "max_days": "9"}]}'),
    /steps\.0\.max_days: expected a number of days, found '9'/,
  );
});
