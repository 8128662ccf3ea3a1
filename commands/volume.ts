/** Opens what commands read from. Files whose age brings them elsewhere are placed anew before anybody looks. */
import type { Home } from '../src/config/home.js';
import { FacetError } from '../src/errors.js';
import type { Volume } from '../src/volume/volume.js';

export async function openVolume(home: Home): Promise<Volume> {
  const { Volume } = await import('../src/volume/volume.js');
  const volume = new Volume(home.catalogFile);
  if (!volume.isOverdue()) return volume;
  const { openCatalog } = await import('../src/tree/open-catalog.js');
  try {
    const catalog = openCatalog(home.catalogFile, 'write');
    try {
      catalog.revisit();
    } finally {
      catalog.close();
    }
  } catch (error) {
    // Whoever may only read, or comes while another process writes, sees the tree as it is.
    if (!(error instanceof FacetError)) throw error;
  }
  return volume;
}
