/** Which of our folders are mountpoints, read from the system's table: touching a dead mount would make us wait. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isRoot } from './processes.js';

export function isMounted(folder: string): boolean {
  return mountpoints().includes(folder);
}

/** Unmounts what is left below a folder, whoever uses it. */
export function unmountBelow(folder: string): void {
  for (const mountpoint of mountpoints().filter(each => each.startsWith(`${folder}/`))) {
    const [program, flags] = isRoot ? ['umount', ['-l']] : ['fusermount3', ['-u', '-z']];
    spawnSync(program, [...flags, '--', mountpoint], { stdio: 'inherit' });
  }
}

/** The folders that the benchmark mounts on have no characters that the table escapes. */
function mountpoints(): string[] {
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  return table.split('\n').map(line => line.split(' ')[4] ?? '');
}
