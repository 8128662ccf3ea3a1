/** Which folders can hold what a query wants, as SQL that uses the index on sources and paths. */
import type { Value } from '../query/facts.js';
import { splitGlob } from '../query/glob.js';
import type { LabelRule } from './facts.js';

type Bind = (value: Value) => string;

const ANY_SOURCE = 'source_id IN (SELECT id FROM sources)';

/**
 * The ids of the files in the folders that a SELECT finds. By id, because those come in order: the files themselves
 * would have to be sorted with all their columns.
 */
export function idsIn(folders: string): string {
  return `SELECT id FROM files WHERE deleted_at IS NULL AND folder_id IN (${folders})`;
}

export function inFolders(folders: string): string {
  return `f.id IN (${idsIn(folders)})`;
}

/** Folders below the literal beginning of a glob for paths; undefined when it has none. */
export function belowBase(glob: string, bind: Bind): string | undefined {
  const { base, glob: rest } = splitGlob(glob);
  const folder = base.replace(/\\(.)/gs, '$1').replace(/\/$/, '');
  if (folder === '') return undefined;
  const below = subtree(ANY_SOURCE, folder, bind);
  // `work/**` is also a file `work`.
  if (!rest.startsWith('**')) return below;
  const above = folder.slice(0, Math.max(folder.lastIndexOf('/'), 0));
  return `${below} UNION ALL SELECT id FROM folders WHERE ${ANY_SOURCE} AND path = ${bind(above)}`;
}

export function belowPrefix({ source, prefix }: LabelRule, bind: Bind): string {
  const inSource = `source_id = (SELECT id FROM sources WHERE name = ${bind(source)})`;
  if (prefix === '') return `SELECT id FROM folders WHERE ${inSource}`;
  return subtree(inSource, prefix.replace(/\/$/, ''), bind);
}

/** A folder and all below it: `0` is the character after `/`. */
function subtree(where: string, folder: string, bind: Bind): string {
  return `SELECT id FROM folders WHERE ${where} AND path = ${bind(folder)}
    UNION ALL SELECT id FROM folders WHERE ${where} AND path >= ${bind(`${folder}/`)} AND path < ${bind(`${folder}0`)}`;
}
