/** What decides where files appear in the tree. Rules compile to one of these; without rules the default applies. */
import type { CatalogFile, CatalogFolder } from '../catalog/projector.js';
import type { Clock } from '../query/compile.js';

export interface Placement {
  /** The directory's path in the tree, without leading or trailing slash; '' is the root. */
  directory: string;
  /** The name the file asks for; a collision can give it another. */
  name: string;
  /** Of several files that ask for the name, and are all placed so, only the newest is shown. */
  newest: boolean;
}

export interface Arrangement {
  /** Directories that are there even when they are empty. */
  readonly declared: readonly string[];
  /** Does `directory` ever name one? */
  readonly showsFolders: boolean;
  /** Every place where the file appears, each once; none when it is not shown. The same for the same file and time. */
  placements(file: CatalogFile, clock: Clock): readonly Placement[];
  /** The directory that stands for a source's folder and exists even when it is empty; undefined when none does. */
  directory(folder: CatalogFolder): string | undefined;
}

/** Knows which arrangement is in force now. */
export interface FindsArrangement {
  current(): Arrangement;
}

/** `/{source}/{path}`: each source is a directory, with its folders as they are. */
export const defaultArrangement: Arrangement = {
  declared: [],
  showsFolders: true,
  placements: file => [
    { directory: folderDirectory(file.source, file.folderPath), name: file.name, newest: false },
  ],
  directory: folder => folderDirectory(folder.source, folder.path),
};

function folderDirectory(source: string, folderPath: string): string {
  return folderPath === '' ? source : `${source}/${folderPath}`;
}
