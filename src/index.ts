/**
 * The library: what `import … from 'facetfs'` offers, name by name. Everything else may change without notice.
 *
 *     import { addSource, matching, openCatalog, parseQuery, resolveHome, scan, sourcePath, Volume } from 'facetfs';
 *
 *     const { catalogFile } = resolveHome({ env: process.env });
 *     const catalog = openCatalog(catalogFile);
 *     const docs = addSource(catalog, 'docs', '~/Documents', { include: [], exclude: [], follow: false });
 *     await scan(catalog, docs);
 *     const volume = new Volume(catalogFile);
 *     console.log(volume.tree.resolve('/docs/report.pdf')?.size);
 *     for (const file of matching(volume, parseQuery('name:*.pdf age<30d'))) console.log(sourcePath(file));
 *
 * Failures that are not bugs are thrown as `FacetError`. Sizes are bytes, times microseconds since the epoch unless a
 * name says otherwise.
 */

export type { Catalog } from './catalog/catalog.js';
export type { ChangeKind } from './catalog/changes.js';
export type { FileRecord, Files, SourceTotals } from './catalog/files.js';
export { sourcePath } from './catalog/files.js';
export { EntryType } from './catalog/projector.js';
export type { SourceOptions, SourceRecord, SourceState, Sources } from './catalog/sources.js';
export { type Config, defaultConfig, loadConfig } from './config/config.js';
export { type Home, type HomeSettings, resolveHome } from './config/home.js';
export { FacetError, type FacetErrorCode, type FacetErrorDetails } from './errors.js';
export { addSource } from './indexing/add-source.js';
export { scan } from './indexing/scan.js';
export type { ScanOptions, ScanProgress, ScanResult } from './indexing/scanning.js';
export type { Ownership } from './mount/attributes.js';
export { type Mounted, type MountOptions, mount } from './mount/mount.js';
export type { Query } from './query/ast.js';
export { formatQuery } from './query/format.js';
export { parseQuery } from './query/parse.js';
export { QueryError } from './query/query-error.js';
export { checkDraft, type Draft, type Problem, readDraft, rulesOf } from './rules/document.js';
export type { Rules } from './rules/rules.js';
export type { Skipped, Unreadable } from './sources/source.js';
export { applyRules } from './tree/apply-rules.js';
export { openCatalog } from './tree/open-catalog.js';
export { Plan, type PlannedChange, type PlanTotals } from './tree/plan.js';
export type { NamedNode, Node, Tree } from './tree/tree.js';
export { type Found, find } from './tree/walk.js';
export { type Destination, type Fetched, type FetchOptions, fetchFile, readFile } from './volume/fetch.js';
export { matching } from './volume/matching.js';
export { type ByteRange, parseRange } from './volume/range.js';
export { Volume } from './volume/volume.js';
