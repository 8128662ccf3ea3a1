/** Keeps sources live for a command, which tells the user what is not well. */
import type { Catalog } from '../src/catalog/catalog.js';
import type { Keeper } from '../src/indexing/keeper.js';
import type { LiveOptions } from '../src/indexing/live.js';
import type { CommandContext } from './command.js';

export async function startLive(
  context: CommandContext,
  catalog: Catalog,
  options: Omit<LiveOptions, 'onProblem'>,
): Promise<Keeper> {
  const { keepLive } = await import('../src/indexing/live.js');
  return keepLive(catalog, {
    ...options,
    onProblem: (source, message, hint) => context.warn(source ? `${source}: ${message}` : message, hint),
  });
}
