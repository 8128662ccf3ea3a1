/** The directories of the tree, down to some depth, with the number of files below each. */
import type { Database } from 'better-sqlite3';
import { EntryType } from '../catalog/projector.js';
import { ROOT_INODE } from '../catalog/schema.js';

export interface CountedDirectory {
  path: string;
  /** 0 for the root. */
  depth: number;
  /** Entries that are no directories, here and in all directories below. */
  files: number;
}

interface Row {
  ino: number;
  parent: number;
  name: string;
  files: number;
}

/** In the order of a listing. Takes time in proportion to the tree. */
export function outline(db: Database, depth: number): CountedDirectory[] {
  const below = new Map<number, Row[]>();
  for (const row of directories(db)) {
    if (row.ino === ROOT_INODE) continue;
    const siblings = below.get(row.parent);
    if (siblings) siblings.push(row);
    else below.set(row.parent, [row]);
  }
  const inRoot = directories(db).find(({ ino }) => ino === ROOT_INODE)?.files ?? 0;
  const lines: CountedDirectory[] = [];
  const visit = (row: Row, path: string, level: number): number => {
    const line = { path: path === '' ? '/' : path, depth: level, files: row.files };
    if (level <= depth) lines.push(line);
    for (const each of below.get(row.ino) ?? []) line.files += visit(each, `${path}/${each.name}`, level + 1);
    return line.files;
  };
  visit({ ino: ROOT_INODE, parent: ROOT_INODE, name: '', files: inRoot }, '', 0);
  return lines;
}

function directories(db: Database): Row[] {
  return db
    .prepare<[number], Row>(
      `SELECT d.ino, d.parent, d.name,
         (SELECT count(*) FROM entries e WHERE e.parent = d.ino AND e.type <> ?) AS files
       FROM dirs d ORDER BY d.name`,
    )
    .all(EntryType.directory);
}
