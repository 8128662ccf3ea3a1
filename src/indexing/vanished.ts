/** Deletes from the catalog what an update did not meet, unless it may only have been out of sight. */
import type { Catalog } from '../catalog/catalog.js';
import type { SourceRecord } from '../catalog/sources.js';
import type { Unreadable } from '../sources/source.js';
import type { Renamed } from './scanning.js';
import type { Update } from './update.js';

/** Files deleted in one transaction. */
const DELETE_BATCH = 4_000;

export interface Vanishing {
  /** What could not be listed: nothing at or below these paths is taken for deleted. */
  unreadable: readonly Unreadable[];
  /** Told how many files are to be deleted, before the first one is; throws when it must not be. */
  check?: (deletions: number) => void;
  /** Told of files of a remote source that were renamed there. */
  onRenamed?: ((renamed: Renamed) => void) | undefined;
}

/** Returns how many files were deleted. */
export function deleteVanished(
  catalog: Catalog,
  source: SourceRecord,
  update: Update,
  { unreadable, check, onRenamed }: Vanishing,
): number {
  const kept = new Set(unreadable.map(each => each.path));
  const gone = (path: string) => !isBelowAny(path, kept);
  // A folder stays as long as something in it does.
  const above = new Set([...kept].flatMap(foldersAbove));
  const folders = update.unseenFolders().filter(({ path }) => gone(path) && !above.has(path));
  const vanished = update.vanishedFiles(folders).filter(file => gone(file.path));
  const files = update.settle(vanished, renamed => onRenamed?.(renamed));
  check?.(files.length);
  for (let at = 0; at < files.length; at += DELETE_BATCH) {
    catalog.write(writer => {
      for (const file of files.slice(at, at + DELETE_BATCH)) writer.deleteFile(file.id);
    });
  }
  if (folders.length > 0) {
    catalog.write(writer => {
      for (const folder of folders) writer.removeFolder(source, folder);
    });
  }
  return files.length;
}

/** Is a path one of these, or below one? '' is the root, above all. */
function isBelowAny(path: string, paths: ReadonlySet<string>): boolean {
  if (paths.size === 0) return false;
  for (let above = path; ; above = above.slice(0, Math.max(above.lastIndexOf('/'), 0))) {
    if (paths.has(above)) return true;
    if (above === '') return false;
  }
}

function foldersAbove(path: string): string[] {
  const names = path.split('/');
  return names.map((_, count) => names.slice(0, count).join('/'));
}
