/** `facet index rm`: forgets a source. */
import { argument, command } from '../command.js';
import { source } from '../kinds.js';

export default command({
  description: 'Forgets a source and all that is known of its files. The files themselves are not touched.',
  arguments: { name: argument(source, 'NAME', 'the source') },
  async run({ home, output }, { name }) {
    const { openCatalog } = await import('../../src/tree/open-catalog.js');
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      catalog.removeSource(catalog.sources.get(name));
      await output.done({ name, removed: true }, () => `removed ${name}; its files are where they were`);
    } finally {
      catalog.close();
    }
  },
});
