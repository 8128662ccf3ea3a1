/** `npm run bench`: all benchmarks of local files, one after the other, on trees that they share. */
import { type Bench, runBench } from './bench.js';
import { benchIndex } from './index.js';
import { benchLive } from './live.js';
import { benchRedis } from './live-redis.js';
import { benchMount } from './mount.js';
import { benchRules } from './rules.js';
import { benchStart } from './start.js';

async function benchAll(bench: Bench): Promise<void> {
  await benchStart(bench);
  await benchMount(bench);
  await benchIndex(bench);
  await benchLive(bench);
  await benchRules(bench);
  await benchRedis(bench);
}

await runBench('facet: all benchmarks', benchAll);
