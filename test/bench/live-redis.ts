/**
 * `npm run bench:redis`: 100,000 files with six properties in a Redis in MetaMesh's format: the first scan, the next one, and
 * 10,000 changes a second for ten seconds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { launchRedis, type TestRedis } from '../support/redis.js';
import { type Bench, isProgram, runBench } from './bench.js';
import { facet } from './facet.js';
import { cpuSecondsOf, type Finished } from './processes.js';
import { type Bound, formatCount, formatMegabytes, formatSeconds, printBounds, printTable } from './table.js';

const FILES = 100_000;
const CHANGES_PER_SECOND = 10_000;
const SECONDS = 10;
const BATCH = 1_000;

export async function benchRedis(bench: Bench): Promise<void> {
  const redis = await launchRedis();
  try {
    await fill(redis.client);
    const home = join(bench.folder, 'redis-home');
    const files = join(bench.folder, 'redis-files');
    mkdirSync(files);
    await facet(home, ['index', 'add', 'media', redis.uri, '--files', files]);
    const first = await facet(home, ['index', 'scan'], { watchMemory: true });
    const next = await facet(home, ['index', 'scan'], { watchMemory: true });
    const followed = await follow(redis, join(home, 'catalog.db'));
    report(first, next, followed);
  } finally {
    await redis.end();
  }
}

function idOf(nth: number): string {
  return `f${Math.imul(nth, 2_654_435_761) >>> 0}-${nth}`;
}

async function fill(client: Redis): Promise<void> {
  for (let from = 0; from < FILES; from += BATCH) {
    const pipeline = client.pipeline();
    for (let nth = from; nth < from + BATCH; nth++) {
      const series = `Series ${nth % 500}`;
      const properties = {
        filePath: `watch/${series}/E${nth}.mkv`,
        size: `${1_000 + nth}`,
        mtime: `${1_700_000_000_000 + nth}`,
        title: series,
        season: `${nth % 10}`,
        episode: `${nth}`,
      };
      pipeline.sadd('file:__index__', idOf(nth));
      for (const [name, value] of Object.entries(properties)) {
        pipeline.set(`file:${idOf(nth)}/${name}`, value);
        pipeline.xadd('meta:events', '*', 'type', 'set', 'key', `file:${idOf(nth)}/${name}`, 'ts', nth);
      }
    }
    await pipeline.exec();
  }
}

interface Followed {
  changes: number;
  lagSeconds: number;
  cpuSeconds: number;
  rssBefore: number;
  rssAfter: number;
}

const told = z.object({ rss: z.number(), position: z.string().optional() });

async function follow({ client }: TestRedis, catalogFile: string): Promise<Followed> {
  const program = fileURLToPath(new URL('./redis-follower.js', import.meta.url));
  const child = spawn(process.execPath, [program, catalogFile], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async () => {
    child.stdin.write('\n');
    return told.parse(JSON.parse(String((await lines.next()).value)));
  };
  try {
    await lines.next();
    await publishFor(client, 1);
    const before = await ask();
    const cpuBefore = cpuSecondsOf(child.pid);
    const last = await publishFor(client, SECONDS);
    const endedAt = performance.now();
    let now = await ask();
    for (; now.position !== last; now = await ask()) await wait(5);
    const lagSeconds = (performance.now() - endedAt) / 1000;
    return {
      changes: CHANGES_PER_SECOND * SECONDS,
      lagSeconds,
      cpuSeconds: cpuSecondsOf(child.pid) - cpuBefore,
      rssBefore: before.rss,
      rssAfter: now.rss,
    };
  } finally {
    child.stdin.end();
    await once(child, 'close');
  }
}

/** Changes sizes, which every follower has to look at. Resolves to the id of the last event. */
async function publishFor(client: Redis, seconds: number): Promise<string> {
  const startedAt = performance.now();
  let last = '';
  for (let batch = 0; batch < (CHANGES_PER_SECOND * seconds) / BATCH; batch++) {
    const pipeline = client.pipeline();
    for (let nth = 0; nth < BATCH; nth++) {
      const id = idOf((batch * BATCH + nth * 7) % FILES);
      pipeline.set(`file:${id}/size`, `${batch}${nth}`);
      pipeline.xadd('meta:events', '*', 'type', 'set', 'key', `file:${id}/size`, 'ts', nth);
    }
    last = String((await pipeline.exec())?.at(-1)?.[1]);
    await wait(startedAt + ((batch + 1) * BATCH * 1000) / CHANGES_PER_SECOND - performance.now());
  }
  return last;
}

function report(first: Finished, next: Finished, followed: Followed): void {
  const { changes, lagSeconds, cpuSeconds, rssBefore, rssAfter } = followed;
  printTable(
    `Redis: ${formatCount(FILES)} files × 6 properties`,
    ['', 'time', 'processor', 'memory'],
    [
      rowOf('first scan', first),
      rowOf('next scan, nothing changed', next),
      [
        `${formatCount(changes)} changes in ${SECONDS} s: behind at the end`,
        formatSeconds(lagSeconds),
        formatSeconds(cpuSeconds),
        `${formatMegabytes(rssBefore)} → ${formatMegabytes(rssAfter)}`,
      ],
    ],
  );
  const seconds = (says: string, measured: number, bound: number): Bound => ({
    ...{ says, measured, bound },
    format: formatSeconds,
  });
  printBounds([
    seconds('the first scan', first.seconds, 3),
    seconds('the next scan', next.seconds, 0.2),
    seconds('behind after the changes', lagSeconds, 1),
  ]);
}

function rowOf(work: string, { seconds, cpuSeconds, peakRss }: Finished): string[] {
  return [work, formatSeconds(seconds), formatSeconds(cpuSeconds), formatMegabytes(peakRss)];
}

if (isProgram(import.meta.url)) await runBench('facet: following a Redis', benchRedis);
