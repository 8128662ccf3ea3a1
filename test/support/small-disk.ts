/** A disk that is soon full. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { isRoot } from './processes.js';
import { makeFolder, removeFolder } from './temporary-folder.js';

export const needsRoot = isRoot ? false : 'only root can make a small disk';

/** Mounted on a folder for the length of a test. */
export function smallDisk(context: TestContext, megabytes: number): string {
  const folder = makeFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'facet-test', folder]);
  context.after(() => {
    execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  });
  return folder;
}

/** Takes all the space that is left but `bytes`. Returns the file that takes it. */
export function leave(disk: string, bytes: number): string {
  const { bavail, bsize } = statfsSync(disk);
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(Math.max(bavail * bsize - bytes, 0)));
  return filler;
}

export function isNoSpace(error: unknown): boolean {
  assert.ok(error instanceof FacetError, String(error));
  assert.equal(error.code, 'no-space', error.message);
  assert.match(error.hint ?? '', /free some space/);
  return true;
}
