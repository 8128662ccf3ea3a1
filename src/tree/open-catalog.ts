/** Opens a catalog whose tree keeps up with it: the way in for everything that writes. */
import { Catalog } from '../catalog/catalog.js';
import { TreeProjector } from './project.js';

/** Opens the catalog in `file` for writing. Throws as `openDatabase` does. */
export function openCatalog(file: string, access: 'create' | 'write' = 'create'): Catalog {
  return new Catalog(file, (db, takeInode) => new TreeProjector(db, takeInode), access);
}
