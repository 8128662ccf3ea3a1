/** Rules as a user writes, checks and applies them, and what a mount makes of them meanwhile. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, type Place, type Result, until, users } from '../support/mounted.js';

const user = users[0] ?? assert.fail();
const FILES = ['a.pdf', 'b.txt', 'work/c.pdf', 'work/d.txt'];

const BY_LABEL = `version: 1
labels:
  - {from: docs:work/, labels: [work]}
directories:
  - path: /Work
    where: label:work
    place: flat
  - path: /Titled
    place: "{title}/{fileName}"
`;

/** A scanned source with a few files, and a rules.yaml where there is to be one. */
function withRules(rules: string | undefined, body: (place: Place) => Promise<void>): Promise<void> {
  return inPlace(user, async place => {
    for (const path of FILES) place.write(path, path);
    await place.index();
    if (rules !== undefined) write(place, rules);
    await body(place);
  });
}

const fileOf = (place: Place) => join(place.home, 'rules.yaml');

function write(place: Place, rules: string): void {
  writeFileSync(fileOf(place), rules);
}

function linesOf({ stdout }: Pick<Result, 'stdout'>): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

/** What a command prints with `--json`, line by line. It has to end with this status. */
async function rows(place: Place, status: number, ...args: string[]): Promise<Record<string, unknown>[]> {
  const result = await place.facet(...args, '--json');
  assert.equal(result.status, status, result.stderr);
  return linesOf(result);
}

async function filesIn(place: Place): Promise<string[]> {
  const found = await rows(place, 0, 'index', 'search', 'size>=0');
  return found.flatMap(({ path }) => (path === null ? [] : [String(path)])).sort();
}

describe('rules as they are written', { concurrency: 2 }, () => {
  it('begin with a preset, which is checked, planned and applied', () =>
    withRules(undefined, async place => {
      for (const command of ['check', 'plan', 'apply', 'edit']) {
        const { status, stderr } = await place.facet('rules', command);
        assert.equal(status, 3, command);
        assert.match(stderr, /^facet: there .*rules.*\nhint: begin with facet rules init/);
      }
      assert.equal((await place.facet('rules', 'show')).status, 3);
      await place.done('rules', 'init', '--preset', 'by-type');
      const refused = await place.facet('rules', 'init', '--preset', 'photos');
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /rules\.yaml is there already\nhint: .*--force/);
      await place.done('rules', 'check');
      const plan = await rows(place, 4, 'rules', 'plan');
      assert.equal(plan.length, FILES.length);
      assert.deepEqual(new Set(plan.map(({ change }) => change)), new Set(['moved']));
      assert.equal((await filesIn(place))[0], '/docs/a.pdf');
      await place.done('rules', 'apply');
      assert.deepEqual(await filesIn(place), plan.map(({ path }) => String(path)).sort());
      assert.deepEqual(await rows(place, 0, 'rules', 'plan'), []);
      assert.equal(await place.done('rules', 'show'), readFileSync(fileOf(place), 'utf8'));
      await place.done('rules', 'init', '--preset', 'photos', '--force');
      assert.notEqual(await place.done('rules', 'show'), readFileSync(fileOf(place), 'utf8'));
      assert.equal(await place.done('rules', 'show', '--draft'), readFileSync(fileOf(place), 'utf8'));
      write(place, 'version: 1\n');
      await place.done('rules', 'apply');
      assert.deepEqual(await filesIn(place), FILES.map(path => `/docs/${path}`).sort());
    }));

  it('are shown as a tree before they are applied, and explained after', () =>
    withRules(BY_LABEL, async place => {
      assert.deepEqual(await rows(place, 0, 'rules', 'tree'), [
        { path: '/', depth: 0, files: 2 },
        { path: '/Titled', depth: 1, files: 0 },
        { path: '/Work', depth: 1, files: 2 },
      ]);
      const applied = await rows(place, 0, 'rules', 'tree', '--applied', '--depth', '1');
      assert.deepEqual(applied.at(-1), { path: '/docs', depth: 1, files: 4 });
      const warnings = await rows(place, 0, 'rules', 'check');
      assert.deepEqual(
        warnings.map(({ severity, line, column }) => [severity, line, column]),
        [
          ['warning', 5, 1],
          ['warning', 8, 1],
          ['warning', 9, 14],
        ],
      );
      assert.equal(warnings[0]?.message, '2 files land nowhere');
      assert.match(String(warnings[2]?.message), /no file has the property title/);
      await place.done('rules', 'apply');
      const [there] = await rows(place, 0, 'rules', 'explain', '/Work/c.pdf');
      assert.deepEqual(there?.claims, [
        { path: '/Work/c.pdf', wanted: '/Work/c.pdf', holder: 'docs:work/c.pdf' },
      ]);
      assert.deepEqual(there?.labels, [{ label: 'work', from: 'docs:work/' }]);
      const nowhere = await place.done('rules', 'explain', 'docs:a.pdf');
      assert.match(nowhere, /^docs:a\.pdf {2}\(file \d+\)\n {2}is nowhere in the tree\n/);
      assert.match(
        nowhere,
        /\n\/Work \(line 5\) leaves it out\n {2}where label:work does not match: exclude\n/,
      );
      assert.match(nowhere, /\n\/Titled \(line 8\) .* a value is missing\n.*\n {4}title = \(missing\)\n/);
    }));

  it('are edited, and checked afterwards', () =>
    withRules(BY_LABEL, async place => {
      const editor = join(place.base, 'editor');
      writeFileSync(editor, '#!/bin/sh\n[ "$1" = --wait ] && echo "$EDIT" >> "$2"\n');
      chmodSync(editor, 0o755);
      const edit = (text: string) =>
        place.facetWith({ env: { EDITOR: `${editor} --wait`, EDIT: text } }, 'rules', 'edit');
      const good = await edit('  - {path: /New, from: docs}');
      assert.deepEqual([good.status, good.stderr], [0, '']);
      const bad = await edit('  - {path: /Newer, from: nope}');
      assert.equal(bad.status, 2);
      assert.match(bad.stderr, /rules\.yaml:11:26: there is no source nope\nhint: the sources are docs\n/);
      const none = await place.facetWith({ env: { VISUAL: '/nowhere/editor' } }, 'rules', 'edit');
      assert.equal(none.status, 1);
      assert.match(none.stderr, /cannot start the editor \/nowhere\/editor\nhint: set EDITOR/);
    }));

  it('have a schema that other programs can read', () =>
    withRules(undefined, async place => {
      const schema = JSON.parse(await place.done('rules', 'schema'));
      assert.deepEqual(Object.keys(schema.properties), ['version', 'labels', 'directories']);
      assert.equal(schema.properties.directories.items.additionalProperties, false);
    }));

  it('may put everything into one directory, or into a thousand', () =>
    withRules('version: 1\ndirectories:\n  - {path: /, place: "same.txt"}\n', async place => {
      await place.done('rules', 'apply');
      const names = ['/same (docs 2).txt', '/same (docs 3).txt', '/same (docs).txt', '/same.txt'];
      assert.deepEqual(await filesIn(place), names);
      const directories = Array.from(
        { length: 1_000 },
        (_, nth) => `  - {path: /${nth}, where: "size>${nth}"}\n`,
      );
      write(place, `version: 1\ndirectories:\n${directories.join('')}`);
      await place.done('rules', 'apply');
      const listed = (await place.done('index', 'ls', '/')).trimEnd().split('\n');
      assert.equal(listed.length, 1_000);
      const plan = directories.slice(1);
      write(place, `version: 1\ndirectories:\n${plan.join('')}`);
      assert.deepEqual(
        (await rows(place, 4, 'rules', 'plan')).map(({ change, path }) => [change, path]),
        FILES.map(path => ['removed', `/0/${path}`]),
      );
    }));
});

const WRONG: readonly [what: string, text: string | Buffer, message: RegExp][] = [
  ['nothing', '', /rules\.yaml:1:1: (?:error: )?version: expected 1, found nothing/],
  ['no text', Buffer.from([0xff, 0xfe, 0x00]), /rules\.yaml: it is not UTF-8 text/],
  ['no YAML', 'version: [1\n', /rules\.yaml:\d+:\d+: (?:error: )?not valid YAML/],
  ['an unknown key', 'version: 1\nmounts: []\n', /rules\.yaml:2:1: (?:error: )?unknown key mounts/],
  [
    'a query',
    'version: 1\ndirectories:\n  - {path: /, where: age<}\n',
    /rules\.yaml:3:\d+: (?:error: )?expected a value/,
  ],
  [
    'a template',
    'version: 1\ndirectories:\n  - {path: /, place: ../x}\n',
    /rules\.yaml:3:22: (?:error: )?a folder cannot/,
  ],
  [
    'a source',
    'version: 1\ndirectories:\n  - {path: /, from: nope}\n',
    /rules\.yaml:3:21: (?:error: )?there is no source nope/,
  ],
  [
    'a directory twice',
    'version: 1\ndirectories: [{path: /a}, {path: /a/}]\n',
    /rules\.yaml:2:34: (?:error: )?\/a is a directory/,
  ],
];

describe('rules that are wrong', () => {
  it('are refused with their place, and leave those before them in force', () =>
    withRules(BY_LABEL, async place => {
      await place.done('rules', 'apply');
      const before = await filesIn(place);
      for (const [nth, [what, text, message]] of WRONG.entries()) {
        writeFileSync(fileOf(place), text);
        for (const command of ['apply', ['check', 'plan', 'tree'][nth % 3] ?? '']) {
          const { status, stdout, stderr } = await place.facet('rules', command);
          assert.equal(status, 2, `${command} of ${what}: ${stderr}`);
          assert.match(stdout + stderr, message, `${command} of ${what}`);
          assert.doesNotMatch(stderr, /internal| {4}at /);
        }
      }
      assert.deepEqual(await filesIn(place), before);
      assert.equal(await place.done('rules', 'show'), BY_LABEL);
    }));
});

describe('what is said of files', () => {
  it('moves them, and finds them', () =>
    withRules(BY_LABEL, async place => {
      await place.done('rules', 'apply');
      await place.done('index', 'label', 'add', 'docs:a.pdf', 'work', 'hot');
      await place.done('index', 'set', 'docs:a.pdf', 'title=Dune', 'year=2021', 'genre=A', 'genre=B');
      assert.deepEqual(await filesIn(place), [
        '/Titled/Dune/a.pdf',
        '/Work/a.pdf',
        '/Work/c.pdf',
        '/Work/d.txt',
      ]);
      const labels = await rows(place, 0, 'index', 'label', 'ls', '/Work/a.pdf');
      assert.deepEqual(labels, [
        { label: 'hot', from: null },
        { label: 'work', from: null },
      ]);
      const found = await rows(place, 0, 'index', 'search', 'genre=B year>=2020 label:hot');
      assert.deepEqual([...new Set(found.map(({ origin }) => origin))], ['docs:a.pdf']);
      const out = join(place.base, 'out');
      await place.done('fetch', '--query', 'title=Dune', '-o', `${out}/`);
      assert.equal(await place.output('sh', '-c', `cat "$(find '${out}' -name a.pdf | head -1)"`), 'a.pdf');
      await place.done('index', 'set', '/Work/a.pdf', '--unset', 'title');
      await place.done('index', 'label', 'rm', '/Work/a.pdf', 'work');
      assert.deepEqual(await filesIn(place), ['/Work/c.pdf', '/Work/d.txt']);
      const { status, stderr } = await place.facet('index', 'search', 'year>=2020 and age<');
      assert.equal(status, 2);
      assert.match(stderr, /^facet: column 20 of the query: /);
    }));

  it('comes from lines of JSON, of which wrong ones are passed over', () =>
    withRules(BY_LABEL, async place => {
      await place.done('rules', 'apply');
      const lines = [
        { path: 'docs:a.pdf', properties: { title: 'Heat', tags: ['x', 2], seen: true } },
        { path: '/Work/c.pdf', labels: ['hot'], properties: { title: 'Dune' } },
        { path: '/nowhere', labels: ['hot'] },
        { path: '/Work/c.pdf', colour: 'red' },
      ];
      const file = join(place.base, 'lines');
      writeFileSync(file, `${lines.map(line => JSON.stringify(line)).join('\n')}\n\n{"path": \n`);
      const { status, stdout, stderr } = await place.facet('index', 'set', '--from-json', file);
      assert.equal(status, 4);
      assert.match(stdout, /^changed 2 files\n/);
      for (const line of [3, 4, 6]) assert.match(stderr, new RegExp(`warning: line ${line}: `));
      assert.match(stderr, /facet: 3 of 5 lines could not be used\n$/);
      assert.deepEqual((await filesIn(place)).slice(0, 2), ['/Titled/Dune/c.pdf', '/Titled/Heat/a.pdf']);
      assert.equal((await rows(place, 0, 'index', 'search', 'tags=2 seen=true label:hot')).length, 0);
      assert.equal((await rows(place, 0, 'index', 'search', 'tags=2 seen=true')).length, 1);
    }));
});

const at = (place: Place, path: string) => join(place.mountpoint, path);
const isThere = async (place: Place, path: string) =>
  (await place.run('test', ['-e', at(place, path)])).status === 0;
const isGone = async (place: Place, path: string) => !(await isThere(place, path));

describe('under a mount', { concurrency: 2 }, () => {
  it('rules.yaml is followed while it is right, and warned of while it is not', () =>
    withRules(undefined, async place => {
      const mount = await place.mount();
      assert.equal(await place.output('cat', at(place, 'docs/a.pdf')), 'a.pdf');
      write(place, BY_LABEL);
      await until('the rules are followed', () => isThere(place, 'Work/c.pdf'));
      assert.equal(await place.output('cat', at(place, 'Work/c.pdf')), 'work/c.pdf');
      await until('what they do not place is gone', () => isGone(place, 'docs'));
      const warned = new Promise(done => mount.process.stderr?.once('data', done));
      write(place, `${BY_LABEL}  - {path: /Other, from: nope}\n`);
      await warned;
      assert.equal(await isThere(place, 'Work/c.pdf'), true);
      assert.equal(await place.done('rules', 'show'), BY_LABEL);
      write(place, `${BY_LABEL}  - {path: /Other, from: docs}\n`);
      await until('the rules are right again', () => isThere(place, 'Other/a.pdf'));
      const { status, stderr } = await mount.stop();
      assert.equal(status, 0);
      assert.match(stderr, /rules\.yaml:10:26: there is no source nope/);
    }));

  it('a file moves when something is said of it', () =>
    withRules(BY_LABEL, async place => {
      await place.done('rules', 'apply');
      await place.mount();
      const inode = () => place.output('stat', '-c', '%i', at(place, 'Work/c.pdf'));
      const before = await inode();
      await place.done('index', 'set', '/Work/c.pdf', 'title=Dune');
      await until('it is there', () => isThere(place, 'Titled/Dune/c.pdf'));
      assert.equal(await place.output('stat', '-c', '%i', at(place, 'Titled/Dune/c.pdf')), before);
      await place.done('index', 'set', '/Work/c.pdf', 'title=Heat');
      await until('it is elsewhere', () => isThere(place, 'Titled/Heat/c.pdf'));
      await until('it is not where it was', () => isGone(place, 'Titled/Dune'));
      assert.equal(await inode(), before);
    }));

  it('a file moves when its time has come', () =>
    withRules(undefined, async place => {
      const limit = new Date(Date.now() - 100_000);
      for (const path of FILES) utimesSync(join(place.source, path), limit, limit);
      await place.done('index', 'scan');
      write(
        place,
        'version: 1\ndirectories:\n  - {path: /New, where: age<3s, place: flat}\n  - {path: /Old, where: age>=3s, place: flat}\n',
      );
      await place.done('rules', 'apply');
      await place.mount();
      assert.equal((await place.output('ls', at(place, 'Old'))).split('\n').length, 5);
      const now = new Date();
      utimesSync(join(place.source, 'b.txt'), now, now);
      await place.done('index', 'scan');
      await until('it is new', () => isThere(place, 'New/b.txt'));
      await until('it is old again', () => isThere(place, 'Old/b.txt'));
      await until('it is not new', () => isGone(place, 'New/b.txt'));
    }));
});
