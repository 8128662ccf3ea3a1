/** What decides where files appear in the tree. Rules compile to one of these; without rules the default applies. */
import type { CatalogFile, CatalogFolder } from '../catalog/projector.js';

export interface Placement {
  /** The directory's path in the tree, without leading or trailing slash; '' is the root. */
  directory: string;
  /** The name the file asks for; a collision can give it another. */
  name: string;
}

export interface Arrangement {
  /** Every place where the file appears; none when it is not shown. The same answer for the same file, always. */
  placements(file: CatalogFile): readonly Placement[];
  /** The directory that stands for a source's folder and exists even when it is empty; undefined when none does. */
  directory(folder: CatalogFolder): string | undefined;
}

/** `/{source}/{path}`: each source is a directory, with its folders as they are. */
export const defaultArrangement: Arrangement = {
  placements: file => [{ directory: folderDirectory(file.source, file.folderPath), name: file.name }],
  directory: folder => folderDirectory(folder.source, folder.path),
};

function folderDirectory(source: string, folderPath: string): string {
  return folderPath === '' ? source : `${source}/${folderPath}`;
}
