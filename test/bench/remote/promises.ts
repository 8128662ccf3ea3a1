/**
 * What facet promises of itself: how much is downloaded for a player, how much memory many readers take, and that the cache
 * keeps to its size. The chapters are named by the options of the command line.
 */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type Bench, makeFolder, note, remove } from '../bench.js';
import type { View } from '../contenders.js';
import { scan } from '../facet.js';
import { memoryOf } from '../processes.js';
import { type Bound, formatCount, formatMegabytes, formatRatio } from '../table.js';
import { type CacheSize, facets, makeHome, ROOMY } from './contenders.js';
import { readFiles } from './measure.js';
import { KIB, MIB } from './objects.js';
import { plans } from './plans.js';
import type { Line, Server } from './servers.js';
import type { Order } from './works.js';

/** So slow that nobody waits for it. */
const PATIENT_SECONDS = 300;
const LOOK_EVERY_MS = 50;
/** What is read of each of sixteen objects; a tenth of it all is the cache's size. */
const BEGINNING_BYTES = 320 * MIB;
const BEGINNINGS = 16;
const READERS = 8;

/** A mount of facet's, and where it keeps what it has read. */
interface Held {
  view: View;
  cache: string;
}

export const promises: Record<string, (bench: Bench, server: Server, line: Line) => Promise<Bound[]>> = {
  player: async (bench, server, line) => [
    await downloadOfPlayer(bench, server, line),
    await intervalsOfPlayer(bench, line),
  ],
  memory: async (bench, _, line) => [await memoryOfReaders(bench, line)],
  bound: async (bench, _, line) => [await sizeOfCache(bench, line)],
};

/** Somebody seeks 200 times in 10 GB. What was sent for nothing counts too. */
async function downloadOfPlayer(bench: Bench, server: Server, line: Line): Promise<Bound> {
  const order: Order = { plan: 'seeking', nth: 0, largeBytes: 0, count: 200, size: 128 * KIB };
  let measured = 0;
  await withMount(bench, line, ROOMY, async ({ view }) => {
    const before = await server.sent();
    await readFiles(view, order, PATIENT_SECONDS);
    await view.close();
    measured = ((await server.sent()).bytes - before.bytes) / bytesOf(order);
  });
  const says = `a player seeks ${order.count} times in 10 GB: bytes sent ÷ bytes read`;
  return { says, measured, bound: 2, format: formatRatio };
}

function bytesOf(order: Order): number {
  let bytes = 0;
  for (const { size } of plans[order.plan](order)) bytes += size;
  return bytes;
}

/** A film of a megabyte a second, watched for ten minutes with 15 seeks. */
async function intervalsOfPlayer(bench: Bench, line: Line): Promise<Bound> {
  const order: Order = { plan: 'watching', nth: 1, largeBytes: 0, count: 15, size: 1e6 };
  const says = `ten minutes of a film with ${order.count} seeks: pieces of it in the cache`;
  let measured = 0;
  await withMount(bench, line, ROOMY, async ({ view, cache }) => {
    await readFiles(view, order, PATIENT_SECONDS);
    await view.close();
    measured = piecesIn(cache);
  });
  return { says, measured, bound: 19, format: formatCount };
}

/** Runs of neighbouring blocks in the block maps of a cache. */
function piecesIn(cache: string): number {
  const db = new SqliteDatabase(join(cache, 'index.db'), { readonly: true });
  const runs = `SELECT count(*) FROM blocks AS block WHERE crc IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM blocks WHERE blob_id = block.blob_id AND block = block.block - 1 AND crc IS NOT NULL)`;
  try {
    return Number(db.prepare(runs).pluck().get());
  } finally {
    db.close();
  }
}

async function memoryOfReaders(bench: Bench, line: Line): Promise<Bound> {
  const largeBytes = bench.options.bigMiB * MIB;
  let measured = 0;
  await withMount(bench, line, ROOMY, async ({ view }) => {
    const read = (_: unknown, nth: number) =>
      readFiles(view, { plan: 'inOrder', nth, largeBytes, count: 0, size: MIB }, PATIENT_SECONDS);
    await Promise.all(Array.from({ length: READERS }, read));
    measured = memoryOf(view.pid, 'VmHWM');
  });
  const says = `${READERS} readers of ${bench.options.bigMiB} MiB each at once: peak memory of the mount`;
  return { says, measured, bound: 250e6, format: formatMegabytes };
}

async function sizeOfCache(bench: Bench, line: Line): Promise<Bound> {
  const largeBytes = Math.min(bench.options.bigMiB * MIB, BEGINNING_BYTES);
  const maxBytes = (largeBytes * BEGINNINGS) / 10;
  const order: Order = { plan: 'beginnings', nth: 0, largeBytes, count: BEGINNINGS, size: MIB };
  let measured = 0;
  await withMount(bench, line, { maxBytes }, async ({ view, cache }) => {
    const timer = setInterval(() => {
      measured = Math.max(measured, diskBytesOf(cache));
    }, LOOK_EVERY_MS);
    await readFiles(view, order, PATIENT_SECONDS).finally(() => clearInterval(timer));
  });
  const says = `a cache of ${formatMegabytes(maxBytes)}, through which ten times as much is read: most that it had`;
  return { says, measured, bound: maxBytes, format: bytes => `${formatCount(bytes)} bytes` };
}

/** What the contents in a cache take of the disk. Whatever goes meanwhile takes nothing. */
function diskBytesOf(cache: string): number {
  const files = ['blobs', 'tmp'].flatMap(name => {
    const folder = join(cache, name);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(file => join(folder, file));
  });
  return files.reduce((bytes, file) => {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    return bytes + (stats?.isFile() ? stats.blocks * 512 : 0);
  }, 0);
}

/** A mount with an empty cache, of somebody who is not root where that is possible: then all bytes go through facet. */
async function withMount(
  bench: Bench,
  line: Line,
  size: CacheSize,
  use: (held: Held) => Promise<void>,
): Promise<void> {
  note(`${line.delayMs} ms: a mount of facet …`);
  const folder = makeFolder(bench, 'promise');
  const home = await makeHome(folder, line, size);
  await scan(home);
  const [contender] = facets(bench, home).slice(-1);
  if (!contender) throw new Error('facet does not mount here');
  const view = await contender.open();
  try {
    await use({ view, cache: join(contender.home, 'cache') });
  } finally {
    await view.close();
    await remove(folder);
  }
}
