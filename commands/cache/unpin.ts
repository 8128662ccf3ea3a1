/** `facet cache unpin`. */
import type { Cache } from '../../src/cache/cache.js';
import type { Home } from '../../src/config/home.js';
import { FacetError } from '../../src/errors.js';
import { fileOfKey } from '../../src/volume/cache-states.js';
import { parseContentKey, versionsPrefix } from '../../src/volume/content-key.js';
import type { Volume } from '../../src/volume/volume.js';
import { command, flag } from '../command.js';
import { formatItems } from '../format.js';
import { openVolume } from '../volume.js';
import { inCache } from './open.js';
import {
  findWanted,
  isNothing,
  readWanted,
  refuseNothing,
  type Wanted,
  wantedArguments,
  wantedOptions,
} from './wanted.js';

export default command({
  description: 'Lets files that were pinned be evicted again, in all their versions.',
  arguments: wantedArguments,
  options: { ...wantedOptions, gone: flag('the files that are gone from their sources') },
  examples: [
    { command: "facet cache unpin --query 'pinned label:seen'", says: 'what was watched' },
    { command: 'facet cache unpin --gone', says: 'what facet cache ls --pinned calls gone' },
  ],
  async run({ home, output }, { paths }, { query, gone }) {
    const wanted = readWanted(paths, query);
    if (gone && !isNothing(wanted)) {
      throw new FacetError('usage', 'no PATH and no query finds what is gone: --gone goes alone');
    }
    const files = gone ? await unpinGone(home) : await unpinWanted(wanted, home);
    await output.done({ files, pinned: false }, () => `unpinned ${formatItems(files, 'file')}`);
  },
});

/** Returns how many files there were. */
async function unpinWanted(wanted: Wanted, home: Home): Promise<number> {
  refuseNothing(wanted);
  const files = await findWanted(wanted, home).catch(error => Promise.reject(namingGone(error)));
  await inCache(home, cache => cache?.unpin(files.flatMap(file => cache.pinned(versionsPrefix(file)))));
  return files.length;
}

/** What is shown no more may be pinned yet. */
function namingGone(error: unknown): unknown {
  if (!(error instanceof FacetError && error.code === 'not-found')) return error;
  const hint = 'the pins of files that are gone: facet cache unpin --gone';
  return new FacetError(error.code, error.message, { path: error.path, cause: error, hint });
}

async function unpinGone(home: Home): Promise<number> {
  const volume = await openVolume(home);
  try {
    const keys = await inCache(home, cache => (cache ? unpinGoneFrom(cache, volume) : []));
    return new Set(keys.map(fileNamedIn)).size;
  } finally {
    volume.close();
  }
}

function unpinGoneFrom(cache: Cache, volume: Volume): string[] {
  const keys = cache.pinned('').filter(key => fileOfKey(volume, key) === undefined);
  cache.unpin(keys);
  return keys;
}

/** The same for all versions of a file. */
function fileNamedIn(key: string): string {
  const { sourceId, path } = parseContentKey(key) ?? {};
  return `${sourceId}/${path}`;
}
