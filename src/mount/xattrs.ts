/** The extended attributes that say where a file of the mount comes from: `user.facet.source` and so on. */
import { type FileRecord, sourcePath } from '../catalog/files.js';
import { encodeName } from '../sources/file-names.js';
import { contentKey } from '../volume/content-key.js';
import { type Looks, tierOf } from '../volume/tiers.js';
import type { Volume } from '../volume/volume.js';

const PREFIX = 'user.facet.';

export interface AttributeLooks extends Looks {
  /** How many of its bytes are in the cache? */
  cachedBytes(key: string, size: number): number;
}

/** Each by its name (without the prefix); undefined for a file or link that does not have it. */
const attributes: Readonly<
  Record<string, (file: FileRecord, volume: Volume, looks: AttributeLooks) => string | undefined>
> = {
  id: file => String(file.id),
  source: file => file.source,
  path: file => sourcePath(file),
  version: file => file.version ?? `${file.mtimeUs}-${file.size}`,
  tier: (file, volume, looks) => (file.target === null ? tierOf(volume, file, looks) : undefined),
  cached: (file, volume, { cachedBytes }) =>
    file.target === null && volume.isRemote(file.sourceId)
      ? String(cachedBytes(contentKey(file), file.size))
      : undefined,
  sha256: file => (file.sha256 ? Buffer.from(file.sha256).toString('hex') : undefined),
};

/** The value's bytes, of a path those on disk; undefined when there is no such attribute. */
export function getAttribute(
  volume: Volume,
  ino: number,
  name: string,
  looks: AttributeLooks,
): Buffer | undefined {
  const file = volume.files.get(ino);
  const key = name.slice(PREFIX.length);
  if (!file || !name.startsWith(PREFIX) || !Object.hasOwn(attributes, key)) return undefined;
  const value = attributes[key]?.(file, volume, looks);
  return value === undefined ? undefined : encodeName(value);
}

/** All names, each with a NUL behind it, as listxattr(2) wants them; none for a directory. */
export function listAttributes(volume: Volume, ino: number, looks: AttributeLooks): Buffer {
  const file = volume.files.get(ino);
  const names = Object.entries(attributes).filter(([, of]) => file && of(file, volume, looks) !== undefined);
  return Buffer.from(names.map(([name]) => `${PREFIX}${name}\0`).join(''));
}
