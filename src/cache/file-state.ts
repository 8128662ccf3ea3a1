/**
 * The state of a blob's file, as a text that is another one once somebody may have written to the file, or the machine was
 * started again. Bytes that were right in a state need not be compared with their checksums a second time in it: they are as
 * much to be trusted as those of any local file. What checksums are for, power cuts and disks that decay, shows later.
 */
import { fstatSync, readFileSync } from 'node:fs';

let boot: string | undefined;

/** Undefined where the system does not tell one start of the machine from another. */
export function fileState(fd: number): string | undefined {
  boot ??= readBoot();
  return boot === '' ? undefined : `${boot} ${fstatSync(fd, { bigint: true }).ctimeNs}`;
}

function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
