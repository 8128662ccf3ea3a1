/** The tree as its rules define it, worked out anew from all files and folders: slow, short, and without any state. */
import type { CatalogFile, CatalogFolder } from '../../src/catalog/projector.js';
import type { Arrangement } from '../../src/tree/arrangement.js';
import { displacedName } from '../../src/tree/names.js';

export interface ExpectedTree {
  /** Path → id. */
  files: Map<string, number>;
  /** Path → the folder behind it, where there is one. */
  directories: Map<string, CatalogFolder | undefined>;
  /** Of each file that is not shown because another is newer, its id and the path that it wants. */
  hidden: string[];
}

/** A place that a file asks for. */
export interface Wish {
  file: Pick<CatalogFile, 'id' | 'source' | 'mtimeUs'>;
  directory: string;
  name: string;
  newest: boolean;
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
  for (const folder of folders) {
    const path = arrangement.directory(folder);
    if (path !== undefined) declare(directories, path, folder);
  }
  return treeOf(wishes, directories);
}

/** The tree of these wishes; `declared` are directories that are there even when they are empty. */
export function treeOf(wishes: readonly Wish[], declared: ExpectedTree['directories']): ExpectedTree {
  const directories: ExpectedTree['directories'] = new Map();
  for (const [path, folder] of declared) declare(directories, path, folder);
  for (const { directory } of wishes) declare(directories, directory, undefined);
  const tree: ExpectedTree = { files: new Map(), directories, hidden: [] };
  for (const directory of ['', ...directories.keys()]) {
    nameFiles(
      tree,
      directory,
      wishes.filter(wish => wish.directory === directory),
    );
  }
  tree.hidden.sort();
  return tree;
}

/** The directory and all those above it. */
export function declare(
  directories: ExpectedTree['directories'],
  path: string,
  folder: CatalogFolder | undefined,
): void {
  if (path === '') return;
  declare(directories, path.slice(0, Math.max(path.lastIndexOf('/'), 0)), undefined);
  directories.set(path, folder ?? directories.get(path));
}

/** Directories first, then the lowest id for each name, then all others by name and id. */
function nameFiles(
  { files, directories, hidden }: ExpectedTree,
  directory: string,
  wishes: readonly Wish[],
): void {
  const pathOf = (name: string) => (directory === '' ? name : `${directory}/${name}`);
  const isFree = (name: string) => !directories.has(pathOf(name)) && !files.has(pathOf(name));
  const inOrder = wishes.toSorted((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : a.file.id - b.file.id,
  );
  const losers: Wish[] = [];
  for (const wish of inOrder) {
    const holder = files.get(pathOf(wish.name));
    if (holder === wish.file.id) continue;
    if (isOlder(wish, wishes)) hidden.push(`${wish.file.id} ${pathOf(wish.name)}`);
    else if (isFree(wish.name)) files.set(pathOf(wish.name), wish.file.id);
    else if (!losers.some(each => each.file === wish.file && each.name === wish.name)) losers.push(wish);
  }
  for (const { file, name } of losers) {
    let nth = 1;
    while (!isFree(displacedName(name, file.source, nth))) nth++;
    files.set(pathOf(displacedName(name, file.source, nth)), file.id);
  }
}

/** Do all who want the name leave it to the newest, and is that another? Of those of one time it is the lowest id. */
function isOlder(wish: Wish, wishes: readonly Wish[]): boolean {
  const rivals = wishes.filter(each => each.name === wish.name);
  if (rivals.some(each => !each.newest)) return false;
  const latest = Math.max(...rivals.map(each => each.file.mtimeUs));
  const ids = rivals.filter(each => each.file.mtimeUs === latest).map(each => each.file.id);
  return wish.file.id !== Math.min(...ids);
}
