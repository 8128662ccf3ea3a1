/** Where a file's bytes would come from at this moment. */
import type { FileRecord } from '../src/catalog/files.js';
import { loadConfig } from '../src/config/config.js';
import type { Home } from '../src/config/home.js';
import { type Tier, tierOf } from '../src/volume/tiers.js';
import type { Volume } from '../src/volume/volume.js';

/** Null for a link, which has none. Folders that are mapped are looked into. */
export async function presentTier(volume: Volume, file: FileRecord, home: Home): Promise<Tier | null> {
  if (file.target !== null) return null;
  if (!volume.isRemote(file.sourceId)) return 'local';
  const [{ openCache }, { NearFiles }, { MappedFolders }, { mounts }] = await Promise.all([
    import('./cache/open.js'),
    import('../src/volume/near-files.js'),
    import('../src/volume/mapped-folders.js'),
    loadConfig(home),
  ]);
  const cache = await openCache(home, 'brief');
  const near = new NearFiles(new MappedFolders(volume.sources, mounts));
  try {
    const found = await near.open(file);
    return tierOf(volume, file, {
      cachedBytes: (key, size) => cache?.presentBytes(key, size) ?? 0,
      isNear: () => found !== undefined,
    });
  } finally {
    near.close();
    cache?.close();
  }
}
