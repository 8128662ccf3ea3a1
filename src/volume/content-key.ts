/** What the cache calls one version of one file's contents. */
import { type FileLocation, sourcePath } from '../catalog/files.js';

export function contentKey(file: FileLocation): string {
  return `${versionsPrefix(file)}${file.version ?? `${file.size}-${file.mtimeUs}`}`;
}

/** What the keys of all versions of a file begin with. */
export function versionsPrefix(file: FileLocation): string {
  return `${file.sourceId}/${sourcePath(file)}\0`;
}
