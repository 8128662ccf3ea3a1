/** A folder that never answers, as a network mount whose server is gone: a FUSE mount that nobody serves. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import { openMount } from '../../src/mount/kernel/fusermount.js';

/** Makes and hangs it for the length of `body`: whoever touches it waits, so this process must not. */
export async function whileHung(folder: string, body: () => Promise<void>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const isRoot = process.getuid?.() === 0;
  const device = await openMount(folder, { fsname: 'gone', subtype: 'gone', allowOther: isRoot });
  try {
    await body();
  } finally {
    closeSync(device);
    execFileSync('fusermount3', ['-uz', '--', folder]);
  }
}
