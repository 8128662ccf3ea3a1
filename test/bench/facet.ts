/** Runs the built binary, as a user would. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Finished, type RunOptions, run } from './processes.js';
import { stopSignal } from './stop.js';

/** `dist/commands/facet.js`, seen from `dist/test/bench/`. */
const BINARY = fileURLToPath(new URL('../../commands/facet.js', import.meta.url));

/** The arguments with which Node runs facet on a home of its own. */
export function facetArguments(home: string, ...args: string[]): string[] {
  return [BINARY, '--home', home, ...args];
}

export function facet(home: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(process.execPath, facetArguments(home, ...args), options);
}

const scanReport = z.object({
  files: z.number(),
  added: z.number(),
  modified: z.number(),
  renamed: z.number(),
  deleted: z.number(),
  unchanged: z.number(),
});

export interface Scan extends z.infer<typeof scanReport> {
  /** From the start of the process to its end. */
  seconds: number;
  peakRss: number;
}

/** `facet index scan` of everything; the figures of all sources together. */
export async function scan(home: string): Promise<Scan> {
  const { stdout, seconds, peakRss } = await facet(home, ['index', 'scan', '--json'], {
    capture: true,
    watchMemory: true,
  });
  const total = { files: 0, added: 0, modified: 0, renamed: 0, deleted: 0, unchanged: 0 };
  for (const line of stdout.trim().split('\n')) {
    const report = scanReport.parse(JSON.parse(line));
    for (const key of scanReport.keyof().options) total[key] += report[key];
  }
  return { ...total, seconds, peakRss };
}

/** Bytes of the catalog in a home, with what SQLite keeps beside it. */
export function catalogBytes(home: string): number {
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
  const catalog = files.filter(name => /catalog\.db(-wal|-shm)?$/.test(name));
  return catalog.reduce((bytes, name) => bytes + statSync(join(home, name)).size, 0);
}

export interface ListingDigest {
  files: number;
  /** The same for the same paths, sizes and times, in whatever order. */
  digest: string;
}

const listedFile = z.object({ path: z.string(), size: z.number(), mtime: z.string() });

/** Everything that the catalog lists, in one figure. */
export async function digestListing(home: string): Promise<ListingDigest> {
  const child = spawn(process.execPath, facetArguments(home, 'index', 'search', 'size>=0', '--json'), {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: stopSignal,
  });
  const exited = once(child, 'exit');
  const sum = Buffer.alloc(32);
  let files = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const { path, size, mtime } = listedFile.parse(JSON.parse(line));
    addDigest(sum, createHash('sha256').update(`${path}\0${size}\0${mtime}`).digest());
    files++;
  }
  const [status] = await exited;
  if (status !== 0) throw new Error(`facet index search failed (${status})`);
  return { files, digest: sum.toString('hex') };
}

/** Exclusive or: independent of the order, and no path occurs twice. */
function addDigest(sum: Buffer, digest: Buffer): void {
  for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) ^ (digest[at] ?? 0);
}
