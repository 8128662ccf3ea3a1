/**
 * Which processes keep a mount from being unmounted: proc_pid_cwd(5), proc_pid_fd(5) and their like, which are read
 * without touching the mount. Sees the processes of this user alone, and of all when root.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isInside } from '../sources/facet-mounts.js';

export interface Holder {
  pid: number;
  /** The name of its program. */
  program: string;
}

export function findHolders(mountpoint: string): Holder[] {
  return list('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(pid => pathsOf(pid).some(path => isInside(path, mountpoint)))
    .map(pid => ({ pid: Number(pid), program: programOf(pid) }));
}

/** What a process has open, runs, or is in. */
function pathsOf(pid: string): string[] {
  const links = ['cwd', 'root', 'exe', ...list(`/proc/${pid}/fd`).map(fd => `fd/${fd}`)];
  return links.flatMap(link => {
    try {
      return [readlinkSync(`/proc/${pid}/${link}`)];
    } catch {
      return [];
    }
  });
}

function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '?';
  }
}

/** Empty where a process has ended meanwhile, or is another user's. */
function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
