/** `facet index watch`: keeps the catalog true to its sources for as long as it runs. */
import type { Catalog } from '../../src/catalog/catalog.js';
import { loadConfig } from '../../src/config/config.js';
import { FacetError } from '../../src/errors.js';
import type { Batch, Keeper } from '../../src/indexing/keeper.js';
import { argumentList, type CommandContext, command } from '../command.js';
import { formatDuration } from '../format.js';
import { source } from '../kinds.js';
import { type StartLiveOptions, startLive } from '../live.js';
import { untilStopped } from '../until-stopped.js';
import { changesText } from './changes-text.js';

export default command({
  description:
    'Brings what changes in the sources to the catalog, until Ctrl-C: that of local folders at once, that of others as often as they were added with --every. Without names, of all that were added with --watch or --every, as a mount does by itself. Every folder is scanned first, so that nothing is missed. Prints what it brings itself: what a mount, a scan or another watcher brings first is in "facet index log --follow", as all changes are.',
  arguments: { names: argumentList(source, 'NAME', 'only these sources; folders are watched in any case') },
  examples: [
    { command: 'facet index watch docs', says: 'until Ctrl-C' },
    {
      command: 'facet index watch --json | jq .',
      says: 'an object for each batch of changes that it brings',
    },
  ],
  async run(context, { names }) {
    const { openCatalog } = await import('../../src/tree/open-catalog.js');
    const { scan, redis } = await loadConfig(context.home);
    const catalog = openCatalog(context.home.catalogFile, 'write');
    try {
      await untilStopped(context, fail =>
        startWatching(context, catalog, names, {
          exclude: scan.exclude,
          redis,
          onBatch: batch => void context.output.done(batch, toText).catch(fail),
        }),
      );
    } finally {
      catalog.close();
    }
  },
});

async function startWatching(
  context: CommandContext,
  catalog: Catalog,
  names: readonly string[],
  options: Omit<StartLiveOptions, 'names'>,
): Promise<Keeper> {
  const { isKept } = await import('../../src/indexing/live.js');
  const isNamed = names.length > 0;
  const sources = isNamed ? names.map(name => catalog.sources.get(name)) : catalog.sources.all();
  const left = sources.filter(each => !isKept(each, isNamed));
  if (isNamed && left[0]) throw unwatchable(left[0].name);
  if (left.length === sources.length) {
    context.warn('no source is to be watched yet', 'name one, or: facet index edit NAME --watch');
  }
  return startLive(context, catalog, { names: isNamed ? names : undefined, ...options });
}

function unwatchable(name: string): FacetError {
  return new FacetError('usage', `${name} cannot be watched: it is not a folder of this machine`, {
    hint: `have it scanned on a schedule instead: facet index edit ${name} --every 1h`,
  });
}

function toText({ source: name, extent, seconds, ...counts }: Batch): string {
  const what = extent === 'all' ? 'scanned: ' : '';
  return `${name}: ${what}${changesText(counts)} (${formatDuration(seconds * 1000)})`;
}
