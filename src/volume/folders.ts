/** Makes the folders that a fetched file goes into, without ever passing through a link that is not the user's own. */
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FacetError, systemErrorCode } from '../errors.js';
import { fsPath } from '../sources/file-names.js';

/**
 * Makes `folder`, and `relative` below it. A link in `relative`, which an earlier fetch may have put there for a link of a
 * source, could lead anywhere: throws `exists` for it, and for anything else that is no folder.
 */
export function makeFolders(folder: string, relative: string): void {
  makeWithParents(folder);
  let path = folder;
  for (const name of relative.split('/')) {
    if (name === '' || name === '.') continue;
    path = join(path, name);
    make(path, lstatSync);
  }
}

/** What is wrong is further up. */
const ABOVE: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR'];

/** Throws the system's own error: Node's recursive `mkdir` says "no such file" on a read-only file system. */
function makeWithParents(folder: string): void {
  try {
    make(folder, statSync);
  } catch (error) {
    if (!ABOVE.includes(systemErrorCode(error)) || dirname(folder) === folder) throw error;
    makeWithParents(dirname(folder));
    make(folder, statSync);
  }
}

/** `look` decides whether a link to a folder will do. */
function make(folder: string, look: typeof statSync): void {
  const isFolder = () => look(fsPath(folder), { throwIfNoEntry: false })?.isDirectory() === true;
  // Most of the time it is there: an error would cost more than all the rest.
  if (isFolder()) return;
  try {
    mkdirSync(fsPath(folder));
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    // Somebody else may have made it meanwhile.
    if (isFolder()) return;
    throw new FacetError('exists', `${folder} is there already, and is no folder`, {
      path: folder,
      hint: 'choose another place with -o, or remove it',
    });
  }
}
