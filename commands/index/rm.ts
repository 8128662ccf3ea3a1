/** `facet index rm`: forgets a source. */
import type { Cache } from '../../src/cache/cache.js';
import { parseContentKey } from '../../src/volume/content-key.js';
import { changeCache } from '../cache/change.js';
import { argument, command } from '../command.js';
import { source } from '../kinds.js';

export default command({
  description:
    'Forgets a source and all that is known of its files, and that some of them were pinned. The files themselves are not touched.',
  arguments: { name: argument(source, 'NAME', 'the source') },
  async run(context, { name }) {
    const { home, output } = context;
    const { openCatalog } = await import('../../src/tree/open-catalog.js');
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      catalog.removeSource(catalog.sources.get(name));
      const known = new Set(catalog.sources.all().map(({ id }) => id));
      await changeCache(context, `what was pinned of ${name} stays so`, cache => unpinOthers(cache, known));
      await output.done({ name, removed: true }, () => `removed ${name}; its files are where they were`);
    } finally {
      catalog.close();
    }
  },
});

/** Nobody could name what is pinned of a source that is gone. */
function unpinOthers(cache: Cache, known: ReadonlySet<number>): void {
  cache.unpin(
    cache.pinned('').filter(key => {
      const place = parseContentKey(key);
      return place && !known.has(place.sourceId);
    }),
  );
}
