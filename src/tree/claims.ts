/** Which paths a file asks for, and which it has: another file or a directory can be in its way. */
import type { Database } from 'better-sqlite3';
import { Files, originOf } from '../catalog/files.js';
import { EntryType } from '../catalog/projector.js';
import type { Tree } from './tree.js';

export interface Claim {
  /** Where the file is; null where it is hidden. */
  path: string | null;
  /** Where it would be if nothing else was there. */
  wanted: string;
  /** What is there: the file itself, another (`docs:a.pdf`), or `a directory`. */
  holder: string;
}

interface Row {
  parent: number;
  name: string | null;
  wanted: string;
}

export function claimsOf(db: Database, tree: Tree, id: number): Claim[] {
  const rows = db
    .prepare<[number, number], Row>(
      `SELECT parent, name, coalesce(wanted, name) AS wanted FROM entries WHERE ino = ?
       UNION ALL SELECT parent, NULL, wanted FROM hidden WHERE ino = ?`,
    )
    .all(id, id);
  const files = new Files(db);
  return rows.map(({ parent, name, wanted }) => {
    const directory = tree.directoryPath(parent);
    return {
      path: name === null ? null : `${directory}/${name}`,
      wanted: `${directory}/${wanted}`,
      holder: holderOf(files, tree, parent, wanted),
    };
  });
}

function holderOf(files: Files, tree: Tree, parent: number, name: string): string {
  const node = tree.lookup(parent, name);
  if (node?.type === EntryType.directory) return 'a directory';
  const file = node && files.get(node.ino);
  return file ? originOf(file) : 'nothing';
}
