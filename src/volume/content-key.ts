/** What the cache calls one version of one file's contents. */
import { type FileLocation, sourcePath } from '../catalog/files.js';

export function contentKey(file: FileLocation): string {
  return `${file.sourceId}/${sourcePath(file)}\0${file.version ?? `${file.size}-${file.mtimeUs}`}`;
}
