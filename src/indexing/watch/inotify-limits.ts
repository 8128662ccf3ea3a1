/** How many folders and programs the kernel lets one user watch (inotify(7), /proc interfaces), and how to have more. */
import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../../errors.js';

/** Enough for most; a folder that is watched takes about a KiB of the kernel's memory. */
const ENOUGH = { max_user_watches: 524_288, max_user_instances: 1024 };

export function hintToAllowMore(limit: keyof typeof ENOUGH): string {
  const setting = `fs.inotify.${limit}=${Math.max(ENOUGH[limit], 2 * present(limit))}`;
  return `allow more: sysctl ${setting} (put the line into /etc/sysctl.d/ to keep it)`;
}

function present(limit: string): number {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${limit}`, 'latin1'));
  } catch {
    return 0;
  }
}

/** A process that has too many files open fails with the same code, elsewhere. */
export function isTooManyInstances(error: unknown): boolean {
  const isOfInotify = error instanceof Error && 'syscall' in error && error.syscall === 'inotify_init1';
  return isOfInotify && systemErrorCode(error) === 'EMFILE';
}
