/** `facet cache evict`. */
import type { Cache } from '../../src/cache/cache.js';
import type { Evicted } from '../../src/cache/eviction.js';
import type { FileRecord } from '../../src/catalog/files.js';
import { FacetError } from '../../src/errors.js';
import { versionsPrefix } from '../../src/volume/content-key.js';
import { command, option } from '../command.js';
import { duration, size } from '../kinds.js';
import { evictedText, nothing } from './evicted.js';
import { inCache } from './open.js';
import { findWanted, isNothing, readWanted, wantedArguments, wantedOptions } from './wanted.js';

export default command({
  description:
    'Removes from the cache what nobody has read for long, and then what was read the longest ago until the rest fits: by the limits of the configuration, or those that are given. With a PATH or --query it removes these files and no others, in all their versions. Never what is pinned or being read.',
  arguments: wantedArguments,
  options: {
    ...wantedOptions,
    maxAge: option(duration, 'TIME', 'remove what was not read for so long, such as 30d'),
    maxSize: option(size, 'SIZE', 'keep at most so much, such as 1GB'),
  },
  examples: [
    { command: 'facet cache evict --max-age 30d --max-size 1GB', says: 'for a nightly cron' },
    { command: "facet cache evict --query 'label:seen'", says: 'what was watched' },
  ],
  async run({ home, output }, { paths }, { query, maxAge, maxSize }) {
    const wanted = readWanted(paths, query);
    const limits = {
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(maxSize === undefined ? {} : { maxSize }),
    };
    const all = isNothing(wanted);
    if (!all && Object.keys(limits).length > 0) {
      throw new FacetError('usage', 'limits are of the whole cache: they cannot go with a PATH or --query');
    }
    const files = all ? undefined : await findWanted(wanted, home);
    const evict = (cache: Cache) => (files ? evictFiles(cache, files) : cache.evict(limits));
    const evicted = await inCache(home, cache => (cache ? evict(cache) : nothing));
    await output.done(evicted, each => evictedText('evicted', each));
  },
});

function evictFiles(cache: Cache, files: readonly FileRecord[]): Evicted {
  const evicted = { ...nothing };
  for (const file of files) {
    const { blobs, bytes, kept } = cache.evictUnder(versionsPrefix(file));
    evicted.blobs += blobs;
    evicted.bytes += bytes;
    evicted.kept += kept;
  }
  return evicted;
}
