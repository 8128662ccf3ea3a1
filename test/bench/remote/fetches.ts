/** Copying one object to the local disk, by facet, by rclone and by bare requests; what arrived is checked. */
import { join } from 'node:path';
import { FACET_ROOT, FACET_USER, RCLONE } from '../contenders.js';
import { facetArguments } from '../facet.js';
import { touchMemory } from '../memory.js';
import { isInstalled } from '../peers.js';
import { isRoot, run } from '../processes.js';
import { BARE_TO_FILE, rcloneConfig, rcloneRemote, SOURCE } from './contenders.js';
import { LIMIT_SECONDS, type Measured, readBare, readFiles } from './measure.js';
import { largeKey, MIB } from './objects.js';
import type { Line } from './servers.js';
import { FETCHED, FILLED, type Order } from './works.js';

/** Several times as long as a read may take, because the bytes go to the disk at once. */
const PATIENT_SECONDS = 3 * LIMIT_SECONDS;
const KEY = largeKey(FETCHED);

export interface Fetch {
  name: string;
  measured: Measured;
}

/** One after the other, each into a folder of its own below `folder`. */
export async function measureFetches(
  line: Line,
  folder: string,
  home: string,
  largeBytes: number,
): Promise<Fetch[]> {
  const order: Order = { plan: 'inOrder', nth: FETCHED, largeBytes, count: 0, size: MIB };
  const fetches: Fetch[] = [];
  const add = async (name: string, fetch: (to: string) => Promise<Measured>) => {
    const root = join(folder, `fetched-${fetches.length}`);
    await touchMemory(folder, FILLED * largeBytes);
    fetches.push({ name, measured: await fetch(join(root, KEY)) });
    await readFiles({ root, as: undefined }, order, PATIENT_SECONDS);
  };
  await add(isRoot ? FACET_ROOT : FACET_USER, to => copy(process.execPath, facetFetch(home, to)));
  if (isInstalled(RCLONE)) await add(RCLONE, to => copy(RCLONE, copyto(line, folder, to)));
  await add(BARE_TO_FILE, to => readBare(line, { parallel: 8, bareSize: 8 * MIB }, order, to));
  return fetches;
}

function facetFetch(home: string, to: string): string[] {
  return facetArguments(home, 'fetch', `/${SOURCE}/${KEY}`, '-o', to);
}

function copyto(line: Line, folder: string, to: string): string[] {
  return ['copyto', `${rcloneRemote(line)}/${KEY}`, to, ...rcloneConfig(folder)];
}

async function copy(program: string, args: readonly string[]): Promise<Measured> {
  const { seconds, cpuSeconds } = await run(program, args, { watchMemory: true });
  return { seconds, cpuSeconds, isGivenUp: false };
}
