/**
 * Disks that are mounted in a local source. One that is unmounted leaves an empty folder behind, or none: the catalog remembers
 * where they were, and one that is missing has taken no files with it.
 */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import { disksIn } from '../sources/facet-mounts.js';
import type { Unreadable } from '../sources/source.js';

/** Remembers the disks that are mounted below `root` now, besides those that are missing: returns these. */
export function noteDisks(catalog: Catalog, source: SourceRecord, root: string): Unreadable[] {
  const missing = missingDisks(catalog, source, root);
  setDisks(catalog, source, [...disksIn(root), ...missing.map(({ path }) => path)]);
  return missing;
}

/** Those that are missing are meant to be. */
export function forgetMissingDisks(catalog: Catalog, source: SourceRecord, root: string): void {
  setDisks(catalog, source, disksIn(root));
}

function setDisks(catalog: Catalog, { id }: SourceRecord, disks: readonly string[]): void {
  const state = catalog.sources.withId(id)?.state;
  if (!state || JSON.stringify(state.disks ?? []) === JSON.stringify(disks)) return;
  catalog.write(() => catalog.sources.setState(id, { ...catalog.sources.withId(id)?.state, disks }));
}

/** Disks that were mounted below `root`, are not now, and that the catalog has files of. */
export function missingDisks(catalog: Catalog, { id }: SourceRecord, root: string): Unreadable[] {
  const noted = catalog.sources.withId(id)?.state.disks ?? [];
  if (noted.length === 0) return [];
  const mounted = new Set(disksIn(root));
  return noted
    .filter(path => !mounted.has(path) && catalog.files.anyBelow(id, path))
    .map(path => ({ path, reason: 'the disk that was mounted there is missing' }));
}
