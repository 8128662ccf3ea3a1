/** The tree as its rules define it, worked out anew from all files and folders: slow, short, and without any state. */
import type { CatalogFile, CatalogFolder } from '../../src/catalog/projector.js';
import type { Arrangement } from '../../src/tree/arrangement.js';
import { displacedName } from '../../src/tree/names.js';

export interface ExpectedTree {
  /** Path → id. */
  files: Map<string, number>;
  /** Path → the folder behind it, where there is one. */
  directories: Map<string, CatalogFolder | undefined>;
}

interface Wish {
  file: CatalogFile;
  directory: string;
  name: string;
}

/** What the tree has to be when these are the files and folders that there are. */
export function expectedTree(
  arrangement: Arrangement,
  files: readonly CatalogFile[],
  folders: readonly CatalogFolder[],
): ExpectedTree {
  const wishes = files.flatMap(file =>
    arrangement.placements(file, { now: 0, due: 0 }).map(place => ({ file, ...place })),
  );
  const directories = new Map<string, CatalogFolder | undefined>();
  for (const { directory } of wishes) declare(directories, directory, undefined);
  for (const folder of folders) {
    const path = arrangement.directory(folder);
    if (path !== undefined) declare(directories, path, folder);
  }
  const tree: ExpectedTree = { files: new Map(), directories };
  for (const directory of ['', ...directories.keys()]) {
    nameFiles(
      tree,
      directory,
      wishes.filter(wish => wish.directory === directory),
    );
  }
  return tree;
}

/** The directory and all those above it. */
function declare(
  directories: ExpectedTree['directories'],
  path: string,
  folder: CatalogFolder | undefined,
): void {
  if (path === '') return;
  declare(directories, path.slice(0, Math.max(path.lastIndexOf('/'), 0)), undefined);
  directories.set(path, folder ?? directories.get(path));
}

/** Directories first, then the lowest id for each name, then all others by name and id. */
function nameFiles({ files, directories }: ExpectedTree, directory: string, wishes: readonly Wish[]): void {
  const pathOf = (name: string) => (directory === '' ? name : `${directory}/${name}`);
  const isFree = (name: string) => !directories.has(pathOf(name)) && !files.has(pathOf(name));
  const inOrder = wishes.toSorted((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : a.file.id - b.file.id,
  );
  const losers: Wish[] = [];
  for (const wish of inOrder) {
    const holder = files.get(pathOf(wish.name));
    if (holder === wish.file.id) continue;
    if (isFree(wish.name)) files.set(pathOf(wish.name), wish.file.id);
    else if (!losers.some(each => each.file === wish.file && each.name === wish.name)) losers.push(wish);
  }
  for (const { file, name } of losers) {
    let nth = 1;
    while (!isFree(displacedName(name, file.source, nth))) nth++;
    files.set(pathOf(displacedName(name, file.source, nth)), file.id);
  }
}
