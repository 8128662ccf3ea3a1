/**
 * A process that follows the sources of a catalog, for the benchmark: prints a line once the process has begun, and one with
 * the memory it takes and where it is for each line that it reads.
 */
import { createInterface } from 'node:readline';
import { keepLive } from '../../src/indexing/live.js';
import { openCatalog } from '../../src/tree/open-catalog.js';

const [file = ''] = process.argv.slice(2);
const catalog = openCatalog(file, 'write');
const live = keepLive(catalog, {
  ...{ names: undefined, exclude: [] },
  onBatch: () => {},
  onProblem: (source, message) => console.error(`${source}: ${message}`),
});
console.log('{}');
for await (const _ of createInterface({ input: process.stdin })) {
  const { position } = catalog.sources.all()[0]?.state.stream ?? {};
  console.log(JSON.stringify({ rss: process.memoryUsage.rss(), position }));
}
await live.stop();
catalog.close();
