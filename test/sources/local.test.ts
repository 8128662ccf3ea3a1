/** Where the URI of a local source leads, and what is refused as the root of one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { FacetError } from '../../src/errors.js';
import { isInside } from '../../src/sources/facet-mounts.js';
import { localPath, modifiedUs, openRoot } from '../../src/sources/local.js';
import { runs } from '../support/random.js';
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

test('a time in whole microseconds comes through as it is, before 1970 too', t => {
  const file = writeFile(temporaryFolder(t), 'a');
  fc.assert(
    fc.property(fc.integer({ min: -1e15, max: 2 ** 31 * 1e6 }), us => {
      setTime(file, BigInt(us) * 1000n);
      assert.equal(modifiedUs(lstatSync(file)), us);
    }),
    runs(50),
  );
});

test('a time is never off by a microsecond', t => {
  const file = writeFile(temporaryFolder(t), 'a');
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 31n * 1_000_000_000n }), ns => {
      setTime(file, ns);
      const lost = ns - BigInt(modifiedUs(lstatSync(file))) * 1000n;
      assert.ok(lost > -1000n && lost < 1000n, `${lost} ns of ${ns}`);
    }),
    runs(50),
  );
});

/** touch(1) takes nanoseconds; Node does not. */
function setTime(file: string, ns: bigint): void {
  const [sign, distance] = ns < 0n ? ['-', -ns] : ['', ns];
  const rest = `${distance % 1_000_000_000n}`.padStart(9, '0');
  execFileSync('touch', ['-d', `@${sign}${distance / 1_000_000_000n}.${rest}`, file]);
  assert.equal(lstatSync(file, { bigint: true }).mtimeNs, ns);
}
