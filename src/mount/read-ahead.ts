/** Lets the kernel read ahead of a reader in large requests: sysfs, /sys/class/bdi/MAJOR:MINOR/read_ahead_kb. */
import { writeFileSync } from 'node:fs';
import { facetMountDevice } from '../sources/facet-mounts.js';

/** Only root may; for others the kernel's 128 KiB stay. */
export function raiseReadAhead(mountpoint: string, bytes: number): void {
  try {
    const device = facetMountDevice(mountpoint);
    if (device) writeFileSync(`/sys/class/bdi/${device}/read_ahead_kb`, String(bytes / 1024));
  } catch {
    // Reads are a little slower, that is all.
  }
}
