/** What an update makes of listings that come in an unusual order. */
import assert from 'node:assert/strict';
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
