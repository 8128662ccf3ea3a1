/** The extended attributes that say where a file of the mount comes from: `user.facet.source` and so on. */
import { sourcePath } from '../catalog/files.js';
import { encodeName } from '../sources/file-names.js';
import { contentKey } from '../volume/content-key.js';
import { type Looks, tierOf } from '../volume/tiers.js';
import type { Volume } from '../volume/volume.js';

const PREFIX = 'user.facet.';

/** Name (without the prefix) → value, of a file or link; none for a directory. */
function attributesOf(volume: Volume, ino: number, looks: Looks): Map<string, string> {
  const file = volume.files.get(ino);
  if (!file) return new Map();
  const values: [string, string | undefined][] = [
    ['id', String(file.id)],
    ['source', file.source],
    ['path', sourcePath(file)],
    ['version', file.version ?? `${file.mtimeUs}-${file.size}`],
    ['tier', file.target === null ? tierOf(volume, file, looks) : undefined],
    [
      'cached',
      volume.isRemote(file.sourceId) ? String(looks.cachedBytes(contentKey(file), file.size)) : undefined,
    ],
    ['sha256', file.sha256 ? Buffer.from(file.sha256).toString('hex') : undefined],
  ];
  return new Map(values.filter((each): each is [string, string] => each[1] !== undefined));
}

/** The value's bytes, of a path those on disk; undefined when there is no such attribute. */
export function getAttribute(volume: Volume, ino: number, name: string, looks: Looks): Buffer | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const value = attributesOf(volume, ino, looks).get(name.slice(PREFIX.length));
  return value === undefined ? undefined : encodeName(value);
}

/** All names, each with a NUL behind it, as listxattr(2) wants them. */
export function listAttributes(volume: Volume, ino: number, looks: Looks): Buffer {
  return Buffer.from([...attributesOf(volume, ino, looks).keys()].map(name => `${PREFIX}${name}\0`).join(''));
}
