/** What the cache calls one version of one file's contents. */
import { type FileLocation, sourcePath } from '../catalog/files.js';

export function contentKey(file: FileLocation): string {
  return keyOf(file.sourceId, sourcePath(file), file.version ?? `${file.size}-${file.mtimeUs}`);
}

export function keyOf(sourceId: number, path: string, version: string): string {
  return `${sourceId}/${path}\0${version}`;
}

/** What the keys of all versions of a file begin with. */
export function versionsPrefix(file: FileLocation): string {
  return keyOf(file.sourceId, sourcePath(file), '');
}

/** Which version of which file it is; undefined for what is no such key. */
export function parseContentKey(
  key: string,
): { sourceId: number; path: string; version: string } | undefined {
  const [, sourceId, path = '', version = ''] = /^(\d+)\/([^\0]*)\0(.*)$/s.exec(key) ?? [];
  return sourceId === undefined ? undefined : { sourceId: Number(sourceId), path, version };
}
