/** Keeps sources live for a command, publishes what they hold, and tells the user what is not well. */
import { hostname } from 'node:os';
import type { Catalog } from '../src/catalog/catalog.js';
import type { Config } from '../src/config/config.js';
import type { Keeper } from '../src/indexing/keeper.js';
import type { LiveOptions } from '../src/indexing/live.js';
import type { CommandContext } from './command.js';
import { packageVersion } from './package-version.js';

export interface StartLiveOptions extends Omit<LiveOptions, 'onProblem'> {
  /** Of config.yaml. */
  redis: Config['redis'];
}

/** Throws `usage` when the settings name no Redis that there can be. */
export async function startLive(
  context: CommandContext,
  catalog: Catalog,
  { redis, ...options }: StartLiveOptions,
): Promise<Keeper> {
  const { keepLive } = await import('../src/indexing/live.js');
  const published = await startPublishing(context, catalog, redis);
  const live = keepLive(catalog, {
    ...options,
    onProblem: (source, message, hint) => context.warn(source ? `${source}: ${message}` : message, hint),
  });
  return { stop: async () => void (await Promise.all([live.stop(), published?.stop()])) };
}

async function startPublishing(
  context: CommandContext,
  catalog: Catalog,
  { uri, publish, keyPrefix = '', node = hostname() }: Config['redis'],
): Promise<Keeper | undefined> {
  if (!publish || uri === undefined) return undefined;
  const { keepPublished } = await import('../src/indexing/stream/publish.js');
  return keepPublished(catalog, {
    ...{ uri, keyPrefix, node, version: packageVersion() },
    onProblem: (message, hint) => context.warn(`publishing: ${message}`, hint),
  });
}
