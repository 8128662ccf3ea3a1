/** `facet index edit`: changes how a source is kept live. */
import type { SourceOptions } from '../../src/catalog/sources.js';
import { FacetError } from '../../src/errors.js';
import { argument, command, flag, option } from '../command.js';
import { duration, source } from '../kinds.js';
import { keepingText } from './keeping-text.js';

interface Wanted {
  watch: boolean;
  noWatch: boolean;
  every: number | undefined;
  noEvery: boolean;
}

export default command({
  description:
    'Changes how a source is kept true while a mount or "facet index watch" runs; what runs already goes on with it within a second. Of two options that contradict each other the last one counts. Where the source is and what is listed of it stay as they were added.',
  arguments: { name: argument(source, 'NAME', 'the source') },
  options: {
    watch: flag('bring its changes at once'),
    noWatch: flag('do not watch it'),
    every: option(duration, 'TIME', 'scan it that often, such as 1h'),
    noEvery: flag('do not scan it on a schedule'),
  },
  examples: [
    { command: 'facet index edit docs --watch', says: 'from now on, also in a mount that runs' },
    { command: 'facet index edit nas --every 30m', says: 'twice an hour' },
  ],
  async run({ home, output }, { name }, wanted) {
    refuseNothing(wanted);
    const [{ openCatalog }, { checkKeeping }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('../../src/indexing/keeping.js'),
    ]);
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      const changed = catalog.write(() => {
        const { id, uri, options } = catalog.sources.get(name);
        const edited = editOptions(options, wanted);
        checkKeeping(uri, edited);
        catalog.sources.setOptions(id, edited);
        return { name, uri, ...edited };
      });
      await output.done(changed, () => `${name}: ${keepingText(changed)}`);
    } finally {
      catalog.close();
    }
  },
});

function refuseNothing({ watch, noWatch, every, noEvery }: Wanted): void {
  if (watch || noWatch || every !== undefined || noEvery) return;
  throw new FacetError('usage', 'there is nothing to change', {
    hint: 'give --watch, --no-watch, --every TIME or --no-every',
  });
}

function editOptions(before: SourceOptions, { watch, noWatch, every, noEvery }: Wanted): SourceOptions {
  const { watch: watched, every: scanned, ...rest } = before;
  const isWatched = watch || (watched === true && !noWatch);
  const interval = every ?? (noEvery ? undefined : scanned);
  return {
    ...rest,
    ...(isWatched ? { watch: true } : {}),
    ...(interval === undefined ? {} : { every: interval }),
  };
}
