/** Makes the folders that a fetched file goes into, without ever passing through a link that is not the user's own. */
import { lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FacetError, systemErrorCode } from '../errors.js';
import { fsPath } from '../sources/file-names.js';

/**
 * Makes `folder`, and `relative` below it. A link in `relative`, which an earlier fetch may have put there for a link of a
 * source, could lead anywhere: throws `exists` for it, and for anything else that is no folder.
 */
export async function makeFolders(folder: string, relative: string): Promise<void> {
  await makeWithParents(folder);
  let path = folder;
  for (const name of relative.split('/')) {
    if (name === '' || name === '.') continue;
    path = join(path, name);
    await make(path, lstat);
  }
}

/** Throws the system's own error: Node's recursive `mkdir` says "no such file" on a read-only file system. */
async function makeWithParents(folder: string): Promise<void> {
  try {
    await make(folder, stat);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeWithParents(dirname(folder));
    await make(folder, stat);
  }
}

/** `look` decides whether a link to a folder will do. */
async function make(folder: string, look: typeof stat): Promise<void> {
  try {
    await mkdir(fsPath(folder));
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    if ((await look(fsPath(folder))).isDirectory()) return;
    throw new FacetError('exists', `${folder} is there already, and is no folder`, {
      path: folder,
      hint: 'choose another place with -o, or remove it',
    });
  }
}
