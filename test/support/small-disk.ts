/** A disk that is soon full. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { isRoot } from './processes.js';
import { makeFolder, removeFolder, temporaryFolder } from './temporary-folder.js';

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

/** An ext4 of 64 MB whose free half is in pieces of 8 KiB. */
export function diskInPieces(context: TestContext): string {
  const [image, folder] = [join(temporaryFolder(context), 'disk'), makeFolder()];
  writeFileSync(image, '');
  truncateSync(image, 64e6);
  execFileSync('mkfs.ext4', ['-q', '-F', '-b', '4096', '-N', '8192', image]);
  execFileSync('mount', ['-o', 'loop', image, folder]);
  context.after(() => {
    execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  });
  const pieces = Array.from({ length: 6_000 }, (_, nth) => join(folder, `piece ${nth}`));
  for (const piece of pieces) writeFileSync(piece, Buffer.alloc(8192));
  for (const piece of pieces.filter((_, nth) => nth % 2 === 0)) rmSync(piece);
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
