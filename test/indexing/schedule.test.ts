/** When a source with a schedule is due. */
import { test } from 'node:test';
import { keepLive } from '../../src/indexing/live.js';
import { scannedFolder } from '../support/scanned.js';
import { writeFiles } from '../support/temporary-folder.js';
import { until } from '../support/watched.js';

test('a source that was scanned when the clock was ahead is due', async t => {
  const place = scannedFolder(t, { every: 3_600_000 });
  writeFiles(place.root, 'a');
  place.catalog.sources.setScanned(place.source.id, '2500-01-01T00:00:00.000Z');
  let scans = 0;
  const keeper = keepLive(place.catalog, {
    names: undefined,
    exclude: [],
    onBatch: () => void scans++,
    onProblem: () => undefined,
  });
  t.after(() => keeper.stop());
  await until(() => scans > 0, 'the scan');
});
