import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { createDirectory, resolveHome } from '../../src/config/home.js';
import { FacetError } from '../../src/errors.js';

test('XDG directories, with their defaults below HOME', () => {
  assert.deepEqual(resolveHome({ env: { HOME: '/h' } }), {
    configFile: '/h/.config/facet/config.yaml',
    rulesFile: '/h/.config/facet/rules.yaml',
    dataDir: '/h/.local/share/facet',
    catalogFile: '/h/.local/share/facet/catalog.db',
    cacheDir: '/h/.cache/facet',
  });
  const env = { HOME: '/h', XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d', XDG_CACHE_HOME: '/k' };
  assert.deepEqual(resolveHome({ env }), {
    configFile: '/c/facet/config.yaml',
    rulesFile: '/c/facet/rules.yaml',
    dataDir: '/d/facet',
    catalogFile: '/d/facet/catalog.db',
    cacheDir: '/k/facet',
  });
});

test('relative and empty XDG values are ignored, as the specification demands', () => {
  const env = { HOME: '/h', XDG_CONFIG_HOME: 'conf', XDG_DATA_HOME: '', XDG_CACHE_HOME: './k' };
  assert.deepEqual(resolveHome({ env }), resolveHome({ env: { HOME: '/h' } }));
});

test('without HOME, as in some cron jobs, the password database tells', () => {
  const withoutHome = resolveHome({ env: {} });
  assert.ok(withoutHome.cacheDir.endsWith('/.cache/facet'));
  assert.equal(resolveHome({ env: { HOME: homedir() } }).cacheDir, withoutHome.cacheDir);
});

test('--home wins over FACET_HOME, which wins over XDG', () => {
  const env = { HOME: '/h', XDG_DATA_HOME: '/d', FACET_HOME: '/f' };
  assert.deepEqual(resolveHome({ env }), {
    configFile: '/f/config.yaml',
    rulesFile: '/f/rules.yaml',
    dataDir: '/f',
    catalogFile: '/f/catalog.db',
    cacheDir: '/f/cache',
  });
  assert.equal(resolveHome({ home: '/o', env }).catalogFile, '/o/catalog.db');
  assert.equal(resolveHome({ home: 'rel', env }).catalogFile, resolve('rel/catalog.db'));
  assert.equal(resolveHome({ env: { ...env, FACET_HOME: '' } }).dataDir, '/d/facet');
  assert.throws(() => resolveHome({ home: '', env }), FacetError);
});

test('directories are made for the user only, and a file in the way is named', t => {
  const root = mkdtempSync(join(tmpdir(), 'facet-home-'));
  t.after(() => rmSync(root, { recursive: true }));
  createDirectory(join(root, 'a/b'));
  createDirectory(join(root, 'a/b'));
  assert.equal(statSync(join(root, 'a/b')).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o700);
  writeFileSync(join(root, 'file'), '');
  assert.throws(
    () => createDirectory(join(root, 'file/x')),
    (error: unknown) => error instanceof FacetError && error.message.includes(join(root, 'file/x')),
  );
});
