/** Names for what MosaicFS calls by a node and a folder on it, and what has a name of its own in facet: sources. */

export interface Folder {
  node: string;
  /** Without a slash at its end. */
  path: string;
}

/** Takes the same name for the same folder, another one for each other. */
export type NameOf = (folder: Folder) => string;

export function nameSources(): { nameOf: NameOf; folders: ReadonlyMap<string, Folder> } {
  const folders = new Map<string, Folder>();
  const nameOf = (folder: Folder): string => {
    const names = namesFor(folder);
    for (;;) {
      const name = names.next().value;
      const taken = folders.get(name) ?? folder;
      if (taken.node !== folder.node || taken.path !== folder.path) continue;
      folders.set(name, folder);
      return name;
    }
  };
  return { nameOf, folders };
}

/** `documents`, `laptop-documents`, `documents 2` … without end. */
function* namesFor({ node, path }: Folder): Generator<string, never> {
  const last = path.slice(path.lastIndexOf('/') + 1) || node;
  yield allowed(last);
  yield allowed(`${node}-${last}`);
  for (let nth = 2; ; nth++) yield `${allowed(last).slice(0, 90)} ${nth}`;
}

/** What facet index add takes for a name. */
function allowed(text: string): string {
  const name = text.replace(/[^\p{L}\p{N}._ -]+/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '');
  return name.slice(0, 100).trim() || 'source';
}
