/** A folder that never rests: what was to be forgotten is forgotten all the same, once a day. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCatalog } from '../../support/catalogs.js';
import { openScanned } from '../../support/scanned.js';
import { temporaryFolder, writeFile } from '../../support/temporary-folder.js';
import { until } from '../../support/watched.js';

const facet = fileURLToPath(new URL('../../../commands/facet.js', import.meta.url));

/** In the threads a day passes in the fourth second, both clocks alike, and while nobody waits. */
const A_DAY_LATER = `import { isMainThread } from 'node:worker_threads';
if (!isMainThread) {
  const now = performance.now.bind(performance), date = Date.now, start = now();
  let ahead = 0;
  performance.now = () => now() + ahead;
  Date.now = () => { if (now() - start > 4000) ahead = 9e7; return date() + ahead; };
}`;

test('a watcher that is always told of something prunes the catalog each day', async context => {
  const home = temporaryFolder(context);
  const catalog = openCatalog(join(home, 'catalog.db'));
  context.after(() => catalog.close());
  const { root, source, scan } = openScanned(catalog, temporaryFolder(context));
  for (const name of ['a', 'b']) writeFile(root, name);
  await scan();
  const env = {
    ...process.env,
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(A_DAY_LATER)}`,
  };
  const child = spawn(process.execPath, [facet, '--home', home, 'index', 'watch', source.name], { env });
  const writing = setInterval(() => appendFileSync(join(root, 'a'), 'x'), 100);
  const deleted = () => catalog.db.prepare('SELECT 1 FROM files WHERE deleted_at IS NOT NULL').all().length;
  try {
    await until(() => catalog.files.totals(source.id).bytes > 3, 'it is watched');
    rmSync(join(root, 'b'));
    await until(() => deleted() === 1, 'the deletion is told');
    catalog.db.prepare('UPDATE files SET deleted_at = 1 WHERE deleted_at IS NOT NULL').run();
    await until(() => deleted() === 0, 'it is forgotten');
  } finally {
    clearInterval(writing);
    child.kill();
    await once(child, 'exit');
  }
  assert.equal(catalog.files.totals(source.id).files, 1);
});
