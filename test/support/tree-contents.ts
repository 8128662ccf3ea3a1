/** The tree as a test compares it, and what must hold in its tables whatever happened before. */
import assert from 'node:assert/strict';
import type { Database } from 'better-sqlite3';
import { entryType } from '../../src/catalog/files.js';
import { EntryType } from '../../src/catalog/projector.js';
import { ROOT_INODE } from '../../src/catalog/schema.js';
import { type Node, Tree } from '../../src/tree/tree.js';

/** Everything below the root: path (without a leading slash) → node. */
export function readTree(db: Database): Map<string, Node> {
  const nodes = new Map<string, Node>();
  collect(new Tree(db), ROOT_INODE, '', nodes);
  return nodes;
}

function collect(tree: Tree, ino: number, prefix: string, nodes: Map<string, Node>): void {
  for (const { name, ...node } of tree.entries(ino)) {
    nodes.set(prefix + name, node);
    if (node.type === EntryType.directory) collect(tree, node.ino, `${prefix}${name}/`, nodes);
  }
}

/** The paths of the tree in order, directories with a slash at the end. */
export function pathsOf(db: Database): string[] {
  const paths = [...readTree(db)].map(([path, node]) =>
    node.type === EntryType.directory ? `${path}/` : path,
  );
  return paths.sort();
}

interface FileRow {
  id: number;
  mode: number;
  deletedAt: number | null;
}

interface DirectoryRow {
  ino: number;
  parent: number;
  name: string;
  declared: number;
}

interface EntryRow {
  parent: number;
  name: string;
  ino: number;
  type: EntryType;
  wanted: string | null;
}

/** Fails where the tables contradict each other. */
export function assertSound(db: Database): void {
  const files = all<FileRow>(db, 'SELECT id, mode, deleted_at AS deletedAt FROM files');
  const directories = all<DirectoryRow>(db, 'SELECT ino, parent, name, declared FROM dirs');
  const entries = all<EntryRow>(db, 'SELECT parent, name, ino, type, wanted FROM entries');
  assertNumbers(db, [...files.map(file => file.id), ...directories.map(each => each.ino)]);
  const fileById = new Map(files.map(file => [file.id, file]));
  const directoryByIno = new Map(directories.map(each => [each.ino, each]));
  for (const entry of entries) {
    const where = JSON.stringify(entry);
    assert.ok(directoryByIno.has(entry.parent), `an entry of a directory that is not there: ${where}`);
    assert.ok(!entry.name.includes('\0'), `a name that was to be replaced: ${where}`);
    assert.notEqual(entry.wanted, entry.name, `displaced to its own name: ${where}`);
    if (entry.type === EntryType.directory) assertDirectory(directoryByIno.get(entry.ino), entry);
    else assertFile(fileById.get(entry.ino), entry);
  }
  assertDirectories(directories, entries);
  assertFolders(db);
  assertTotals(db);
}

function assertTotals(db: Database): void {
  const counted = `SELECT s.id AS source_id, count(f.id) AS files, coalesce(sum(f.size), 0) AS bytes,
      (SELECT count(*) FROM folders WHERE source_id = s.id AND deleted_at IS NULL) AS folders
    FROM sources s LEFT JOIN folders d ON d.source_id = s.id
      LEFT JOIN files f ON f.folder_id = d.id AND f.deleted_at IS NULL
    GROUP BY s.id ORDER BY s.id`;
  assert.deepEqual(all(db, 'SELECT * FROM totals ORDER BY source_id'), all(db, counted), 'totals');
}

function assertFolders(db: Database): void {
  const lost = all(db, 'SELECT id FROM files WHERE folder_id NOT IN (SELECT id FROM folders)');
  assert.deepEqual(lost, [], 'files of folders that there are not');
  const inDeleted = `SELECT f.id FROM files f JOIN folders d ON d.id = f.folder_id
    WHERE f.deleted_at IS NULL AND d.deleted_at IS NOT NULL`;
  assert.deepEqual(all(db, inDeleted), [], 'files that are there in folders that are gone');
  const unnamed = `SELECT id FROM files WHERE deleted_at IS NULL AND instr(name, char(0)) > 0`;
  assert.deepEqual(all(db, unnamed), [], 'files that stepped aside and were not named again');
}

function assertNumbers(db: Database, numbers: number[]): void {
  assert.equal(new Set(numbers).size, numbers.length, 'a number was given twice');
  const [next] = all<{ value: number }>(db, `SELECT value FROM counters WHERE name = 'next_inode'`);
  for (const number of numbers) assert.ok(number < (next?.value ?? 0), `${number} is still to be given`);
}

function assertDirectory(directory: DirectoryRow | undefined, entry: EntryRow): void {
  const { parent, name } = entry;
  assert.deepEqual({ parent: directory?.parent, name: directory?.name }, { parent, name });
  assert.equal(entry.wanted, null, `a directory gave way: ${name}`);
}

function assertFile(file: FileRow | undefined, entry: EntryRow): void {
  assert.ok(file, `an entry of a file that is not there: ${JSON.stringify(entry)}`);
  assert.equal(file.deletedAt, null, `an entry of a deleted file: ${JSON.stringify(entry)}`);
  assert.equal(entry.type, entryType(file.mode), `the wrong type: ${JSON.stringify(entry)}`);
}

function assertDirectories(directories: DirectoryRow[], entries: EntryRow[]): void {
  const filled = new Set(entries.map(entry => entry.parent));
  const shown = entries.filter(entry => entry.type === EntryType.directory).map(entry => entry.ino);
  assert.equal(new Set(shown).size, shown.length, 'a directory in two places');
  for (const { ino, name, declared } of directories) {
    if (ino === ROOT_INODE) continue;
    assert.ok(shown.includes(ino), `a directory without an entry: ${name}`);
    assert.ok(declared === 1 || filled.has(ino), `an empty directory that nothing declares: ${name}`);
  }
}

function all<Row>(db: Database, query: string): Row[] {
  return db.prepare<[], Row>(query).all();
}
