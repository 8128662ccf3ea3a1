/** A source on disk with its catalog: change the folder, scan, and look at what came of it. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { SourceOptions, SourceRecord } from '../../src/catalog/sources.js';
import { addSource } from '../../src/indexing/add-source.js';
import { scan } from '../../src/indexing/scan.js';
import type { ScanOptions, ScanResult } from '../../src/indexing/scanning.js';
import { decodeName } from '../../src/sources/file-names.js';
import { modifiedUs } from '../../src/sources/local.js';
import { everything, openCatalog } from './catalogs.js';
import { temporaryFolder } from './temporary-folder.js';
import { readTree } from './tree-contents.js';

export interface Scanned {
  catalog: Catalog;
  source: SourceRecord;
  /** The source's folder. */
  root: string;
  scan(options?: ScanOptions): Promise<ScanResult>;
  /** The number of each file that the catalog has, by its path in the source. */
  ids(): Map<string, number>;
  id(path: string): number;
}

/** An empty folder, added to a new catalog as `docs`. */
export function scannedFolder(context: TestContext, options: Partial<SourceOptions> = {}): Scanned {
  const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'));
  context.after(() => catalog.close());
  return openScanned(catalog, temporaryFolder(context), options);
}

export function openScanned(catalog: Catalog, root: string, options: Partial<SourceOptions> = {}): Scanned {
  const source = addSource(catalog, 'docs', root, { ...everything, ...options });
  // One moment of the catalog, whoever writes to it meanwhile.
  const ids = catalog.db.transaction(() => filesOf(catalog, source));
  return {
    catalog,
    source,
    root,
    async scan(scanOptions) {
      const result = await scan(catalog, catalog.sources.get('docs'), scanOptions);
      const { files, added, modified, renamed, unchanged } = result;
      // A checksum can tell that a file is modified which had been counted as unchanged.
      if (!scanOptions?.hash)
        assert.equal(files, added + modified + renamed + unchanged, 'each file counts once');
      return result;
    },
    ids,
    id(path) {
      const id = ids().get(path);
      assert.ok(id, `the catalog has no ${path}`);
      return id;
    },
  };
}

function filesOf(catalog: Catalog, { id, name }: SourceRecord): Map<string, number> {
  const files = new Map<string, number>();
  for (const folder of catalog.files.foldersOf(id)) {
    const prefix = folder.path === '' ? '' : `${folder.path}/`;
    for (const file of catalog.files.inFolder(folder.id)) files.set(prefix + file.name, file.id);
  }
  const shown = [...readTree(catalog.db)].filter(([path]) => path.startsWith(`${name}/`));
  for (const [path, node] of shown) {
    if (node.type !== 4)
      assert.equal(files.get(path.slice(name.length + 1)), node.ino, `${path} in the tree`);
  }
  return files;
}

/** What a tree shows of one path. */
interface Shown {
  mode: number;
  size: number;
  mtimeUs: number;
  target: string | null;
}

/** Fails where the tree below `docs` is not what is on disk, in names, kinds, sizes, times, modes and link targets. */
export function assertTreeIsDisk({ catalog, root, source }: Scanned): void {
  const tree = new Map<string, Shown>();
  for (const [path, { ino, mode, size, mtimeUs }] of readTree(catalog.db)) {
    if (!path.startsWith(`${source.name}/`)) continue;
    const target = catalog.files.get(ino)?.target ?? null;
    tree.set(path.slice(source.name.length + 1), { mode, size, mtimeUs, target });
  }
  assert.deepEqual(sorted(tree), sorted(readDisk(root)));
}

function sorted(shown: Map<string, Shown>): [string, Shown][] {
  return [...shown].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Everything below a folder that a source lists: path → what it is. */
function readDisk(root: string): Map<string, Shown> {
  const shown = new Map<string, Shown>();
  const visit = (bytes: Buffer, prefix: string) => {
    for (const name of readdirSync(bytes, { encoding: 'buffer' })) {
      const path = Buffer.concat([bytes, Buffer.from('/'), name]);
      const stats = lstatSync(path);
      if (!stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink()) continue;
      shown.set(prefix + decodeName(name), shownOf(stats, path));
      if (stats.isDirectory()) visit(path, `${prefix}${decodeName(name)}/`);
    }
  };
  visit(Buffer.from(root), '');
  return shown;
}

function shownOf(stats: Stats, path: Buffer): Shown {
  return {
    mode: stats.mode,
    size: stats.isDirectory() ? 0 : stats.size,
    mtimeUs: modifiedUs(stats),
    target: stats.isSymbolicLink() ? decodeName(readlinkSync(path, 'buffer')) : null,
  };
}
