/** What is mounted on this machine, from proc_pid_mountinfo(5): facet's own trees, which it never lists, and disks. */
import { readFileSync } from 'node:fs';
import { decodeName } from './file-names.js';

/** Readable with POLLPRI after something was mounted or unmounted. */
export const MOUNT_TABLE = '/proc/self/mountinfo';

interface MountInfo {
  /** Of this mount; used again once it is unmounted. */
  id: string;
  mountpoint: string;
  /** `MAJOR:MINOR` */
  device: string;
  type: string;
}

/** The mountpoints of facet on this machine; none where there is no such table (not Linux). */
export function facetMounts(): string[] {
  return readTable().flatMap(({ type, mountpoint }) => (type === FACET ? [mountpoint] : []));
}

/** The device number of a facet mount, as `MAJOR:MINOR`. */
export function facetMountDevice(mountpoint: string): string | undefined {
  return readTable().find(each => each.type === FACET && each.mountpoint === mountpoint)?.device;
}

/** Disks and other things mounted at a folder or below it, each in one word. */
export function mountsBelow(folder: string): string[] {
  return readTable()
    .filter(({ mountpoint }) => isInside(mountpoint, folder))
    .map(({ id, mountpoint, device }) => `${id} ${device} ${mountpoint}`);
}

/** Where disks are mounted in a folder, as paths in it; '' when it is one itself. */
export function disksIn(folder: string): string[] {
  const from = folder === '/' ? 1 : folder.length + 1;
  const paths = readTable().flatMap(({ type, mountpoint }) =>
    type !== FACET && isInside(mountpoint, folder) ? [mountpoint.slice(from)] : [],
  );
  return [...new Set(paths)].sort();
}

const FACET = 'fuse.facet';

function readTable(): MountInfo[] {
  let table: string;
  try {
    // A character for each byte: a path is whatever bytes it is.
    table = readFileSync(MOUNT_TABLE, 'latin1');
  } catch {
    return [];
  }
  return table.split('\n').flatMap(line => {
    // id parent major:minor root mountpoint options [tags …] - type source super-options
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [id = '', , device = '', , mountpoint = ''] = fields;
    if (fields.length < 6) return [];
    return [{ id, mountpoint: decodeField(mountpoint), device, type: fields[separator + 1] ?? '' }];
  });
}

/** The kernel writes space, tab, newline and backslash as `\040` and so on. */
function decodeField(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return decodeName(Buffer.from(bytes, 'latin1'));
}

/** Is `path` `folder` itself or somewhere below it? Both absolute and normalised. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}
