import assert from 'node:assert/strict';
import test from 'node:test';
import { ROOT_INODE } from '../../src/catalog/schema.js';
import { BEHIND_PARENT, ListedDirectories } from '../../src/mount/listed-directories.js';
import { Volume } from '../../src/volume/volume.js';
import { Ruled } from '../support/ruled.js';

test('a listing goes on behind a file that is deleted meanwhile, however many others have begun', context => {
  // In the tree they are called 1 to 4: the other way round.
  const ruled = new Ruled(context, ['docs:4/a', 'docs:3/b', 'docs:2/c', 'docs:1/d']);
  ruled.apply('  - {path: /all, place: "{dir}"}\n');
  const volume = new Volume(ruled.catalog.file);
  context.after(() => volume.close());
  const listed = new ListedDirectories(volume);
  const directory = volume.tree.lookup(ROOT_INODE, 'all')?.ino ?? assert.fail();
  const [, second] = listed.namesBehind(directory, BEHIND_PARENT, 2);
  assert.ok(second);
  for (let other = 1; other < 1_500; other++) {
    if (other === 1_000) listed.take(directory, second);
    listed.take(-other, second);
  }
  ruled.remove('docs:2/c');
  assert.deepEqual(
    listed.namesBehind(directory, second.ino, 10).map(({ name }) => name),
    ['3', '4'],
  );
});
