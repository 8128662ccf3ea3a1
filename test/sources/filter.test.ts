/** Which files of a source are listed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { compileFilter, type IgnoreScope, openScope } from '../../src/sources/filter.js';

interface Rules {
  include?: string[];
  exclude?: string[];
  /** Folder → its `.facetignore`. */
  ignore?: Record<string, string>;
}

/** Of these paths (folders end in a slash), those that a crawl would list: it enters no folder that is left out. */
function listed({ include = [], exclude = [], ignore = {} }: Rules, paths: string[]): string[] {
  const filter = compileFilter(include, exclude);
  return paths.filter(path => {
    const names = path.replace(/\/$/, '').split('/');
    const above = names.slice(1).map((_, at) => names.slice(0, at + 1).join('/'));
    if (!above.every(folder => filter.folder(folder, scopeAt(folder, ignore)))) return false;
    const name = names.join('/');
    return path.endsWith('/')
      ? filter.folder(name, scopeAt(name, ignore))
      : filter.file(name, scopeAt(name, ignore));
  });
}

/** The rules that hold for what is in the folder of `path`. */
function scopeAt(path: string, ignore: Record<string, string>): IgnoreScope | undefined {
  const names = path.split('/').slice(0, -1);
  let scope: IgnoreScope | undefined;
  for (const folder of ['', ...names.map((_, at) => names.slice(0, at + 1).join('/'))]) {
    const text = ignore[folder];
    if (text !== undefined) scope = openScope(folder, text, scope);
  }
  return scope;
}

test('without rules everything is listed', () => {
  const paths = ['a', '.hidden', 'b/', 'b/c.txt', '.git/', '.git/config'];
  assert.deepEqual(listed({}, paths), paths);
});

test('a glob without a slash means a name at any depth', () => {
  const paths = ['a.tmp', 'b/a.tmp', 'b/c/a.tmp', 'a.tmp.txt', 'b/'];
  assert.deepEqual(listed({ exclude: ['*.tmp'] }, paths), ['a.tmp.txt', 'b/']);
});

test('a glob with a slash means a path below the source', () => {
  const paths = ['b/a', 'c/b/a', 'a'];
  assert.deepEqual(listed({ exclude: ['b/a'] }, paths), ['c/b/a', 'a']);
  assert.deepEqual(
    listed({ exclude: ['/a'] }, paths),
    ['b/a', 'c/b/a'],
    'a slash in front is the source itself',
  );
  assert.deepEqual(listed({ exclude: ['b/*'] }, paths), ['c/b/a', 'a']);
});

test('two stars cross folders, one does not', () => {
  const paths = ['x/a.txt', 'x/y/a.txt', 'x/y/z/a.txt', 'a.txt'];
  assert.deepEqual(listed({ exclude: ['x/*.txt'] }, paths), ['x/y/a.txt', 'x/y/z/a.txt', 'a.txt']);
  assert.deepEqual(listed({ exclude: ['x/**'] }, paths), ['a.txt']);
  assert.deepEqual(listed({ exclude: ['**/y/**'] }, paths), ['x/a.txt', 'a.txt']);
});

test('stars match hidden names too', () => {
  assert.deepEqual(listed({ exclude: ['*'] }, ['.hidden', 'a']), []);
  assert.deepEqual(listed({ exclude: ['x/**'] }, ['x/.hidden', 'x/.git/config']), []);
});

test('upper and lower case are two things, as on disk', () => {
  const paths = ['a.JPG', 'a.jpg', 'README', 'readme'];
  assert.deepEqual(listed({ exclude: ['*.jpg', 'readme'] }, paths), ['a.JPG', 'README']);
  assert.deepEqual(listed({ ignore: { '': '*.jpg\nreadme' } }, paths), ['a.JPG', 'README']);
});

test('alternatives and classes are understood', () => {
  const paths = ['a.jpg', 'a.png', 'a.gif', 'b1', 'b2', 'bx'];
  assert.deepEqual(listed({ exclude: ['*.{jpg,png}', 'b[0-9]'] }, paths), ['a.gif', 'bx']);
});

test('a folder that is excluded is not entered', () => {
  const paths = [
    'node_modules/',
    'node_modules/x/',
    'node_modules/x/a',
    'src/',
    'src/node_modules/a',
    'src/a',
  ];
  assert.deepEqual(listed({ exclude: ['node_modules'] }, paths), ['src/', 'src/a']);
});

test('a glob that ends in a slash means a folder, and no file', () => {
  const paths = ['tmp/', 'tmp/a', 'x/', 'x/tmp'];
  assert.deepEqual(listed({ exclude: ['tmp/'] }, paths), ['x/', 'x/tmp']);
  assert.deepEqual(listed({ exclude: ['/tmp/'] }, paths), ['x/', 'x/tmp']);
});

test('with includes, only files that match one are listed; folders are entered all the same', () => {
  const paths = ['a.pdf', 'a.txt', 'x/', 'x/b.pdf', 'x/b.txt'];
  assert.deepEqual(listed({ include: ['*.pdf'] }, paths), ['a.pdf', 'x/', 'x/b.pdf']);
  assert.deepEqual(listed({ include: ['x/**', 'a.txt'] }, paths), ['a.txt', 'x/', 'x/b.pdf', 'x/b.txt']);
});

test('an include that ends in a slash means everything in that folder', () => {
  const paths = ['a', 'jobs/', 'jobs/b', 'jobs/c/d', 'x/jobs/e', 'x/f'];
  assert.deepEqual(listed({ include: ['jobs/'] }, paths), ['jobs/', 'jobs/b', 'jobs/c/d', 'x/jobs/e']);
  assert.deepEqual(listed({ include: ['/jobs/'] }, paths), ['jobs/', 'jobs/b', 'jobs/c/d']);
});

test('what is excluded is not included', () => {
  const paths = ['a.pdf', 'draft.pdf', 'x/b.pdf'];
  assert.deepEqual(listed({ include: ['*.pdf'], exclude: ['draft*', 'x'] }, paths), ['a.pdf']);
});

test('a name with a newline, a quote or a backslash is matched like any other', () => {
  const paths = ['private/a\nb', 'private/"q"', 'private/back\\slash', 'private/x\n/y'];
  assert.deepEqual(listed({ exclude: ['private/**'] }, paths), []);
  assert.deepEqual(listed({ exclude: ['**/*'] }, paths), []);
  assert.deepEqual(listed({ ignore: { '': '/private/**' } }, paths), []);
  assert.deepEqual(listed({ exclude: ['*'] }, ['\n', 'a\n', '\na']), []);
});

test('a malformed glob is a usage error', () => {
  for (const glob of ['', '/', '//', 'x'.repeat(70_000)]) {
    for (const rules of [{ include: [glob] }, { exclude: [glob] }]) {
      assert.throws(
        () => listed(rules, ['a']),
        error => error instanceof FacetError && error.code === 'usage',
        JSON.stringify(glob.slice(0, 10)),
      );
    }
  }
});

test('.facetignore holds for its folder and everything below', () => {
  const ignore = { work: '*.o' };
  assert.deepEqual(listed({ ignore }, ['a.o', 'work/a.o', 'work/x/a.o', 'work/a.c']), ['a.o', 'work/a.c']);
});

test('in .facetignore a slash at the start or in the middle ties a pattern to its folder', () => {
  const ignore = { work: '/a\nx/b\nc' };
  const paths = ['work/a', 'work/y/a', 'work/x/b', 'work/y/x/b', 'work/c', 'work/y/c', 'a', 'c'];
  assert.deepEqual(listed({ ignore }, paths), ['work/y/a', 'work/y/x/b', 'a', 'c']);
});

test('in .facetignore a slash at the end means folders only', () => {
  const ignore = { '': 'build/' };
  assert.deepEqual(listed({ ignore }, ['build/', 'build/a', 'x/build/', 'y/build']), ['y/build']);
});

test('in .facetignore an exclamation mark lists again', () => {
  const ignore = { '': '*.log\n!keep.log' };
  assert.deepEqual(listed({ ignore }, ['a.log', 'keep.log', 'x/keep.log', 'x/b.log']), [
    'keep.log',
    'x/keep.log',
  ]);
});

test('the innermost .facetignore that says something decides', () => {
  const ignore = { '': '*.log\n!*.txt', work: '!*.log\n*.txt', 'work/deep': '*.log' };
  const paths = ['a.log', 'a.txt', 'work/a.log', 'work/a.txt', 'work/deep/a.log', 'work/deep/a.txt'];
  assert.deepEqual(listed({ ignore }, paths), ['a.txt', 'work/a.log']);
});

test('what is in an ignored folder cannot be listed again from below', () => {
  const ignore = { '': 'build/', build: '!keep' };
  assert.deepEqual(listed({ ignore }, ['build/', 'build/keep']), []);
});

test('all but one folder can be ignored', () => {
  const ignore = { '': '/*\n!/keep/' };
  assert.deepEqual(listed({ ignore }, ['a', 'x/', 'x/b', 'keep/', 'keep/c', 'keep/d/e']), [
    'keep/',
    'keep/c',
    'keep/d/e',
  ]);
});

test('.facetignore is read as git reads its own: comments, escapes, line ends, blanks', () => {
  const ignore = { '': '\ufeff# comment\r\n\r\n*.o\r\n\\#hash\n\\!bang\ntrailing   \nkept\\ \n' };
  const paths = ['# comment', 'a.o', '#hash', '!bang', 'trailing', 'kept ', 'kept'];
  assert.deepEqual(listed({ ignore }, paths), ['# comment', 'kept']);
});

test('a .facetignore of nonsense ignores nothing and fails nothing', () => {
  const ignore = { '': '[\n!\n/\n\\\n{\n(\n+\n\0\n' };
  assert.deepEqual(listed({ ignore }, ['a', 'b/']), ['a', 'b/']);
});

test('.facetignore knows names of every kind', () => {
  const ignore = { '': '*' };
  const names = ['..a', '...', '.a', ' ', '-', '\\', 'a\\', '\uefff', '😀', 'a\nb', '..\\x'];
  assert.deepEqual(listed({ ignore }, [...names, ...names.map(name => `${name}/`)]), []);
  assert.deepEqual(listed({ ignore: { '': 'nothing' } }, names), names);
});
