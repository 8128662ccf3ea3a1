/** What is said of rules.yaml that is wrong: each problem at its line and column. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { checkDraft, rulesOf } from '../../src/rules/document.js';

const SOURCES = ['docs', 'films'];

/** `4:12 what is wrong`, for each problem; of what is no rules document at all, the error. */
function problemsOf(text: string): string[] {
  try {
    const { problems } = checkDraft('rules.yaml', text, SOURCES);
    return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  } catch (error) {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, 'usage');
    return [error.message];
  }
}

const root = (lines: string) => `version: 1\ndirectories:\n  - path: /\n${lines}`;

const WRONG: readonly [what: string, text: string, ...problems: RegExp[]][] = [
  [
    'a query for what is cached',
    'version: 1\ndirectories:\n  - {path: /, where: name:a and not cached}\n',
    /^3:37 a rule cannot ask whether a file is cached$/,
  ],
  ['an unknown key', 'version: 1\ndirectorys: []\n', /^rules\.yaml:2:1: unknown key directorys$/],
  [
    'an unknown key of a mount',
    root('    mounts:\n      - form: docs\n'),
    /^rules\.yaml:5:9: unknown key .*form$/,
  ],
  ['a key twice', 'version: 1\nversion: 1\n', /^rules\.yaml:2:1: .*keys must be unique$/],
  ['a key of a directory twice', root('    path: /b\n'), /^rules\.yaml:4:5: .*keys must be unique$/],
  ['no version', 'directories: []\n', /^rules\.yaml:1:1: version: expected 1, found nothing$/],
  ['another version', 'version: 2\n', /^rules\.yaml:1:10: version: expected 1, found the number 2$/],
  ['nothing', '', /^rules\.yaml:1:1: /],
  ['a list', '- a\n', /^rules\.yaml:1:1: expected a map/],
  ['a tab', 'version: 1\n\tdirectories: []\n', /^rules\.yaml:2:1: not valid YAML/],
  ['two documents', 'version: 1\n---\nversion: 1\n', /^rules\.yaml:2:1: not valid YAML/],
  [
    'a tag that runs something',
    'version: 1\ndirectories: !!js/function "x"\n',
    /^rules\.yaml:2:14: not valid YAML/,
  ],
  ['a name from the prototype', 'version: 1\n__proto__: {}\n', /^rules\.yaml:2:1: unknown key __proto__$/],
  [
    'a path without a slash',
    'version: 1\ndirectories:\n  - path: a\n',
    /^rules\.yaml:3:11: .*begins with a slash/,
  ],
  [
    'no path',
    'version: 1\ndirectories:\n  - from: docs\n',
    /^rules\.yaml:3:5: directories\.0\.path: expected/,
  ],
  [
    'another decision',
    root('    steps: [{match: a, then: continue}]\n'),
    /^rules\.yaml:4:30: .*include or exclude/,
  ],
  ['a query that is a number', root('    where: 5\n'), /^rules\.yaml:4:12: .*expected a query/],
  [
    'a path that leads up',
    'version: 1\ndirectories:\n  - path: /a/../b\n',
    /^3:11 a path cannot contain \.\.$/,
  ],
  [
    'a control character',
    'version: 1\ndirectories:\n  - path: "/a\\u0000b"\n',
    /^3:11 .*control characters$/,
  ],
  ['half a character', 'version: 1\ndirectories:\n  - path: "/a\\ud800b"\n', /^3:11 .*control characters$/],
  ['a long name', `version: 1\ndirectories:\n  - path: /${'é'.repeat(128)}\n`, /^3:11 .*255 bytes$/],
  ['a query that ends too soon', root('    where: name:*.pdf and age<\n'), /^4:31 expected a value after <$/],
  ['a size in a quoted query', root('    where: "size>5XB"\n'), /^4:18 expected a size .*'5XB'$/],
  [
    'a size after DOS line ends',
    'version: 1\r\ndirectories:\r\n  - path: /\r\n    where: "size>5XB"\r\n',
    /^4:18 /,
  ],
  [
    'a query over several lines',
    root('    where: >-\n      name:*.pdf\n      and size>5XB\n'),
    /^4:12 .*'5XB'$/,
  ],
  ['a query that is too deep', root(`    where: "${'not '.repeat(2_000)}a"\n`), /^4:\d+ .*50 levels deep$/],
  ['a backreference', root('    where: name~"(a)\\1"\n'), /^4:17 not a regular expression/],
  [
    'look-ahead',
    root('    steps:\n      - match: path~"(?=a)"\n        then: exclude\n'),
    /^5:21 not a regular/,
  ],
  ['a template that leads up', root('    place: ../{fileName}\n'), /^4:12 a folder cannot be called \.\.$/],
  [
    'one that does so further in',
    root('    place: a/../{fileName}\n'),
    /^4:14 a folder cannot be called \.\.$/,
  ],
  ['an open brace', root('    place: "a/{title"\n'), /^4:15 this brace is not closed$/],
  [
    'an unknown modifier',
    root('    place: "{title}"\n    otherwise: "{nope:pad}"\n'),
    /^5:23 there is no modifier "pad"$/,
  ],
  ['an unknown source', root('    from: media\n'), /^4:11 there is no source media$/],
  ['an unknown source of several', root('    from: [docs, "media:x/"]\n'), /^4:18 there is no source media$/],
  ['a folder without a slash', root('    from: docs:work\n'), /^4:11 a folder of a source ends in a slash$/],
  [
    'labels for everything',
    'version: 1\nlabels:\n  - {from: "*", labels: [a]}\n',
    /^3:12 a label rule needs a source/,
  ],
  [
    'labels for a folder without a slash',
    'version: 1\nlabels:\n  - {from: "docs:x", labels: [a]}\n',
    /^3:12 a folder of a source ends in a slash$/,
  ],
  [
    'a directory twice',
    'version: 1\ndirectories:\n  - path: /a\n  - path: /b\n  - path: //a/\n',
    /^5:11 \/a is a directory already, in line 3$/,
  ],
  [
    'what belongs to mounts beside mounts',
    root(
      '    from: docs\n    place: flat\n    otherwise: x\n    collide: newest\n    mounts:\n      - from: docs\n',
    ),
    /^4:11 from belongs to each of the mounts$/,
    /^5:12 place belongs/,
    /^6:16 otherwise belongs/,
    /^7:14 collide belongs/,
  ],
  [
    'several things at once',
    root('    where: "age<"\n    mounts:\n      - {from: nope, place: "{"}\n      - {where: "("}\n'),
    /^4:\d+ /,
    /^6:16 there is no source nope$/,
    /^6:29 /,
    /^7:\d+ /,
  ],
];

for (const [what, text, ...expected] of WRONG) {
  test(`${what} is refused where it is`, () => {
    const problems = problemsOf(text);
    assert.equal(problems.length, expected.length, problems.join('\n'));
    for (const [nth, problem] of problems.entries()) assert.match(problem, expected[nth] ?? /^$/);
  });
}

test('aliases that would grow without bound are refused, and cost nothing', () => {
  const levels = [...'abcdefgh'].map((name, nth, all) => {
    const of = nth === 0 ? 'x' : `*${all[nth - 1]}`;
    return `${name}: &${name} [${Array(10).fill(of).join(',')}]`;
  });
  assert.match(problemsOf(`${levels.join('\n')}\nversion: 1\n`).join(), /alias/);
});

test('braces without end are refused', () => {
  const [problem] = problemsOf(`version: 1\ndirectories: ${'['.repeat(50_000)}`);
  assert.match(problem ?? '', /^rules\.yaml(:2:\d+)?: /);
});

test('the first problem is told when rules are to be applied, and how many more there are', () => {
  const draft = checkDraft('/home/rules.yaml', root('    from: nope\n    where: "age<"\n'), SOURCES);
  assert.throws(
    () => rulesOf(draft),
    (error: FacetError) =>
      error.code === 'usage' && /^\/home\/rules\.yaml:4:11: .* \(and 1 more\)$/.test(error.message),
  );
});

test('the fields that a document asks for have their places', () => {
  const { fields, problems } = checkDraft(
    'rules.yaml',
    root('    where: title=x and season is present\n    place: "{artist}/{fileName}"\n'),
    SOURCES,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(fields, [
    { name: 'title', line: 4, column: 12 },
    { name: 'season', line: 4, column: 24 },
    { name: 'artist', line: 5, column: 14 },
  ]);
});

test('what is left out has its default', () => {
  const { rules } = checkDraft('rules.yaml', root('    from: ["*", "docs:/a/b/"]\n'), SOURCES);
  const filter = { where: undefined, steps: [], default: 'include' };
  const mount = { name: '1', place: 'keep', otherwise: undefined, collide: 'suffix', line: 3, ...filter };
  const from = [
    { source: null, prefix: '' },
    { source: 'docs', prefix: 'a/b/' },
  ];
  const directory = { path: '', inherit: false, pick: 'all', line: 3, ...filter };
  assert.deepEqual(rules, { labels: [], directories: [{ ...directory, mounts: [{ ...mount, from }] }] });
});

test('a document that says nothing but its version is right', () => {
  const draft = checkDraft('rules.yaml', '\ufeff# none\nversion: 1\n', []);
  assert.deepEqual(rulesOf(draft), { labels: [], directories: [] });
});
