/** Where facet trees are mounted on this machine, from proc_pid_mountinfo(5). Facet never lists its own mounts. */
import { readFileSync } from 'node:fs';
import { decodeName } from './file-names.js';

interface MountInfo {
  mountpoint: string;
  /** `MAJOR:MINOR` */
  device: string;
}

/** The mountpoints of facet on this machine; none where there is no such table (not Linux). */
export function facetMounts(): string[] {
  return readTable().map(each => each.mountpoint);
}

/** The device number of a facet mount, as `MAJOR:MINOR`. */
export function facetMountDevice(mountpoint: string): string | undefined {
  return readTable().find(each => each.mountpoint === mountpoint)?.device;
}

function readTable(): MountInfo[] {
  let table: string;
  try {
    // A character for each byte: a path is whatever bytes it is.
    table = readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    return [];
  }
  return table.split('\n').flatMap(line => {
    // id parent major:minor root mountpoint options [tags …] - type source super-options
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    if (fields[separator + 1] !== 'fuse.facet') return [];
    return [{ mountpoint: decodeField(fields[4] ?? ''), device: fields[2] ?? '' }];
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
