/** The disk of the catalog is full while a folder is watched: nothing is lost, and it is soon true again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCatalog } from '../../support/catalogs.js';
import { openScanned } from '../../support/scanned.js';
import { leave, needsRoot, smallDisk } from '../../support/small-disk.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';
import { until, watching } from '../../support/watched.js';

const FILES = 2_000;

const facet = fileURLToPath(new URL('../../../commands/facet.js', import.meta.url));

/** What `facet index status` says on stderr. */
function statusWarning(home: string): string {
  const { status, stderr } = spawnSync(process.execPath, [facet, '--home', home, 'index', 'status']);
  assert.equal(status, 0);
  return stderr.toString();
}

test('a watched folder is brought up to date soon after there is space again', {
  skip: needsRoot,
}, async context => {
  const disk = smallDisk(context, 4);
  const catalog = openCatalog(join(disk, 'catalog.db'));
  context.after(() => catalog.close());
  const place = openScanned(catalog, temporaryFolder(context));
  writeFile(place.root, 'first.txt');
  const { problems, stop } = await watching(place);
  context.after(stop);
  const filler = leave(disk, 0);
  for (let nth = 0; nth < FILES; nth++) writeFile(place.root, `new/${nth} ${'x'.repeat(100)}`);
  await until(() => problems.some(each => /disk is full/.test(each)), 'the full disk is told');
  assert.match(statusWarning(disk), /^facet: warning: the disk of .*catalog\.db is full/);
  rmSync(filler);
  assert.equal(statusWarning(disk), '');
  await until(() => place.ids().size === FILES + 1, 'all files are there');
  const state = () => catalog.sources.get('docs').state;
  await until(() => state().unavailable === undefined, 'all is well');
  assert.equal(problems.length, 1, 'it is told once');
});
