/** What an update makes of listings that come in an unusual order. */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NOTHING_YET } from '../../src/indexing/scanning.js';
import { Update } from '../../src/indexing/update.js';
import { Crawler } from '../../src/sources/crawl.js';
import { scannedFolder } from '../support/scanned.js';
import { writeFiles } from '../support/temporary-folder.js';
import { assertSound } from '../support/tree-contents.js';

test('a folder that is listed again before it is written has each file once', t => {
  const { catalog, source, root, ids } = scannedFolder(t);
  writeFiles(root, 'a', 'folder/b');
  const crawl = () => [...new Crawler({ root, ...source.options }).folders()];
  const update = new Update(catalog, source, root, { ...NOTHING_YET });
  update.apply([...crawl(), ...crawl()]);
  assert.deepEqual([...ids().keys()].sort(), ['a', 'folder/b']);
  assert.deepEqual(update.vanishedFiles([]), []);
  assertSound(catalog.db);
});

test('a file that was moved on twice while folders were listed is where it was found first', async t => {
  const { catalog, source, root, ids, scan } = scannedFolder(t);
  writeFiles(root, 'a/file', 'b/other', 'c/other');
  await scan();
  const update = new Update(catalog, source, root, { ...NOTHING_YET });
  const list = (folder: string) => update.apply([...new Crawler({ root, ...source.options }).below(folder)]);
  const replace = (folder: string) => {
    renameSync(join(root, 'a/file'), join(root, folder, 'file'));
    writeFileSync(join(root, 'a/file'), `in its place, when it went to ${folder}`);
  };
  replace('b');
  list('a');
  replace('c');
  for (const folder of ['c', 'a', 'b']) list(folder);
  assert.deepEqual([...ids().keys()].sort(), ['a/file', 'b/file', 'b/other', 'c/file', 'c/other']);
  assertSound(catalog.db);
});
