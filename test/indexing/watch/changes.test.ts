/** Which folders are to be listed again after the kernel told of changes. */
import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Changes } from '../../../src/indexing/watch/changes.js';
import { Inotify } from '../../../src/indexing/watch/inotify.js';
import { Relisting } from '../../../src/indexing/watch/relist.js';
import { scannedFolder } from '../../support/scanned.js';
import { writeFiles } from '../../support/temporary-folder.js';

test('a folder is listed with every change as long as there are links in it that are followed', t => {
  const { catalog, source, root } = scannedFolder(t, { follow: true });
  writeFiles(root, 'here/a', 'there/b');
  mkdirSync(join(root, 'links'));
  symlinkSync('../there', join(root, 'links/link'));
  const inotify = new Inotify();
  t.after(() => inotify.close());
  const changes = new Changes(inotify, root, true, catalog.file);
  const list = (folders: ReadonlyMap<string, boolean>) => {
    const relisting = new Relisting(catalog, source, { root, ...source.options }, changes.folders);
    relisting.list(folders);
    changes.listed(relisting);
    relisting.finish();
  };
  const listedAfter = (change: () => void) => {
    change();
    changes.drain();
    const folders = changes.dirty.take(Number.POSITIVE_INFINITY);
    list(folders);
    return [...folders.keys()].sort();
  };
  changes.folders.add('', statSync(root));
  list(new Map([['', true]]));
  assert.deepEqual(
    listedAfter(() => writeFiles(root, 'here/c')),
    ['here', 'links'],
  );
  assert.deepEqual(
    listedAfter(() => unlinkSync(join(root, 'links/link'))),
    ['links'],
  );
  assert.deepEqual(
    listedAfter(() => writeFiles(root, 'here/d')),
    ['here'],
  );
});
