/** Where the URI of a local source leads, and what is refused as the root of one. */
import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { isInside } from '../../src/sources/facet-mounts.js';
import { localPath, openRoot } from '../../src/sources/local.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

test('a URI is a path, a path below the home folder, or a file URL', () => {
  assert.equal(localPath('/a/b'), '/a/b');
  assert.equal(localPath('/a//b/../c/'), '/a/c');
  assert.equal(localPath('~'), homedir());
  assert.equal(localPath('~/a'), join(homedir(), 'a'));
  assert.equal(localPath('~other/a'), join(process.cwd(), '~other/a'));
  assert.equal(localPath('a/b'), join(process.cwd(), 'a/b'));
  assert.equal(localPath('file:///a%20b/%C3%A9'), '/a b/é');
});

test('a URL that is no file of this machine is a usage error', () => {
  for (const uri of ['file://nas/share', 'file:///a%2Fb', 'file://%/']) {
    assert.throws(
      () => localPath(uri),
      error => error instanceof FacetError && error.code === 'usage',
      uri,
    );
  }
});

test('a root is its real path', t => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  assert.equal(openRoot(join(folder, 'link/')), join(folder, 'real'));
  assert.equal(openRoot('/'), '/');
  assert.equal(openRoot('.'), realpathSync('.'));
});

test('a root that is not there, or no folder, is unreachable, with a hint', t => {
  const folder = temporaryFolder(t);
  symlinkSync('itself', join(folder, 'itself'));
  for (const path of [join(folder, 'nowhere'), writeFile(folder, 'file'), join(folder, 'itself')]) {
    assert.throws(
      () => openRoot(path),
      error => {
        assert.ok(error instanceof FacetError, String(error));
        assert.deepEqual([error.code, error.path], ['unreachable', path]);
        assert.match(error.hint ?? '', /mount the disk/);
        return true;
      },
    );
  }
});

test('inside is the folder itself and what is below it, not what begins alike', () => {
  const cases: [string, string, boolean][] = [
    ['/a', '/a', true],
    ['/a/b', '/a', true],
    ['/ab', '/a', false],
    ['/a', '/a/b', false],
    ['/', '/', true],
    ['/a', '/', true],
    ['/', '/a', false],
  ];
  for (const [path, folder, inside] of cases)
    assert.equal(isInside(path, folder), inside, `${path} in ${folder}`);
});
