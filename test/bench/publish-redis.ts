/**
 * `npm run bench:publish`: a folder that one process of facet publishes to a Redis: all of its files at first, and then new
 * ones, until another process that follows has them in its catalog.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { launchRedis, type TestRedis } from '../support/redis.js';
import { type Bench, isProgram, makeFolder, note, runBench, treeOf } from './bench.js';
import { facet, facetArguments } from './facet.js';
import { memoryOf, stopProcess } from './processes.js';
import { stopSignal } from './stop.js';
import { formatCount, formatMegabytes, formatSeconds, printTable } from './table.js';
import { libraryTree } from './trees.js';

const DEFAULT_FILES = 100_000;
const CHANGES = 30;

async function benchPublishing(bench: Bench): Promise<void> {
  const count = bench.options.files ?? DEFAULT_FILES;
  const { root } = await treeOf(bench, `published-${count}`, below => libraryTree(below, count));
  const redis = await launchRedis();
  const [home, others] = [makeFolder(bench, 'publishing'), makeFolder(bench, 'following')];
  const running: ChildProcess[] = [];
  try {
    await facet(home, ['index', 'add', 'docs', root, '--watch']);
    await facet(home, ['index', 'scan']);
    writeFileSync(join(home, 'config.yaml'), `redis: {uri: '${redis.uri}', publish: true}\n`);
    const startedAt = performance.now();
    const publisher = watch(home);
    running.push(publisher);
    await untilListed(redis, count);
    const first = (performance.now() - startedAt) / 1_000;
    const memory = memoryOf(publisher.pid, 'VmHWM');
    await facet(others, ['index', 'add', 'others', redis.uri, '--files', root]);
    await facet(others, ['index', 'scan']);
    running.push(watch(others));
    report(count, first, memory, await latencies(others, root));
  } finally {
    for (const each of running) await stopProcess(each);
    await redis.end();
  }
}

function watch(home: string): ChildProcess {
  return spawn(process.execPath, facetArguments(home, 'index', 'watch'), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function untilListed({ client }: TestRedis, count: number): Promise<void> {
  while ((await client.scard('file:__index__')) < count) {
    stopSignal.throwIfAborted();
    await wait(20);
  }
}

/** Seconds from writing a file until the other catalog has it, in order. The first one is not counted: all has begun then. */
async function latencies(others: string, root: string): Promise<number[]> {
  const catalog = openCatalog(join(others, 'catalog.db'), 'write');
  const source = catalog.sources.get('others');
  const seconds: number[] = [];
  try {
    for (let nth = 0; nth <= CHANGES; nth++) {
      note(`change ${nth} …`);
      const startedAt = performance.now();
      writeFileSync(join(root, `new ${nth}`), 'x');
      while (!catalog.files.find(source.id, `docs/new ${nth}`)) {
        stopSignal.throwIfAborted();
        await wait(1);
      }
      seconds.push((performance.now() - startedAt) / 1_000);
      // At another moment of their rounds each time.
      await wait(200 + nth * 37);
    }
  } finally {
    catalog.close();
  }
  return seconds.slice(1).sort((one, other) => one - other);
}

function report(count: number, first: number, memory: number, seconds: readonly number[]): void {
  printTable(
    `Publishing: ${formatCount(count)} files of a folder, to an empty Redis`,
    ['', 'time', 'memory'],
    [
      ['all files, from the start of the process', formatSeconds(first), formatMegabytes(memory)],
      ['a new file, until another catalog has it: median', formatSeconds(seconds[CHANGES / 2]), ''],
      [`the longest of ${CHANGES}`, formatSeconds(seconds.at(-1)), ''],
    ],
  );
}

if (isProgram(import.meta.url)) await runBench('facet: publishing to a Redis', benchPublishing);
