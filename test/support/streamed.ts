/** A source that follows a Redis, and its catalog: publish something, catch up or follow, and look at what came of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Catalog } from '../../src/catalog/catalog.js';
import { Descriptions, type Properties } from '../../src/catalog/descriptions.js';
import type { FileRecord } from '../../src/catalog/files.js';
import {
  type SourceOptions,
  type SourceRecord,
  type StreamState,
  troubleOf,
} from '../../src/catalog/sources.js';
import { addSource } from '../../src/indexing/add-source.js';
import type { Batch, Keeper } from '../../src/indexing/keeper.js';
import { keepLive } from '../../src/indexing/live.js';
import { scan } from '../../src/indexing/scan.js';
import type { ScanOptions, ScanResult } from '../../src/indexing/scanning.js';
import { checkDraft, rulesOf } from '../../src/rules/document.js';
import { applyRules } from '../../src/tree/apply-rules.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { everything } from './catalogs.js';
import { temporaryFolder } from './temporary-folder.js';
import { pathsOf } from './tree-contents.js';

export interface Streamed {
  catalog: Catalog;
  source: SourceRecord;
  /** The folder of the files. */
  root: string;
  scan(options?: ScanOptions): Promise<ScanResult>;
  /** Follows until the test is over, or it is stopped. */
  follow(): Following;
  /** The paths of the tree's files. */
  paths(): string[];
  file(path: string): FileRecord;
  properties(path: string): Properties;
  state(): StreamState;
  unavailable(): string | undefined;
  applyRules(...lines: string[]): void;
}

export interface Following extends Keeper {
  batches: Batch[];
  problems: string[];
}

export interface StreamedOptions extends Partial<SourceOptions> {
  uri: string;
}

/** A new catalog with the source `media`. */
export function streamedSource(context: TestContext, { uri, ...options }: StreamedOptions): Streamed {
  const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'));
  const root = temporaryFolder(context);
  const stream = { files: root, ...options.stream };
  const source = addSource(catalog, 'media', uri, { ...everything, ...options, stream });
  const descriptions = new Descriptions(catalog.db);
  const running = new Set<Keeper>();
  context.after(async () => {
    for (const each of running) await each.stop();
    catalog.close();
  });
  const state = () => catalog.sources.get('media').state;
  const file = (path: string) => {
    const found = catalog.files.find(source.id, path);
    assert.ok(found, `there is no ${path}`);
    return found;
  };
  return {
    ...{ catalog, source, root, file },
    scan: scanOptions => scan(catalog, catalog.sources.get('media'), scanOptions),
    follow() {
      const [batches, problems]: [Batch[], string[]] = [[], []];
      const live = keepLive(catalog, {
        ...{ names: undefined, exclude: [] },
        onBatch: batch => batches.push(batch),
        onProblem: (_, message) => problems.push(message),
      });
      running.add(live);
      return { ...{ batches, problems }, stop: () => live.stop() };
    },
    paths: () => pathsOf(catalog.db).filter(path => !path.endsWith('/')),
    properties: path => descriptions.properties(file(path).id),
    state: () => state().stream ?? assert.fail('never followed'),
    unavailable: () => troubleOf(catalog.sources.get('media')).unavailable,
    applyRules(...lines) {
      const text = ['version: 1', ...lines].join('\n');
      applyRules(catalog, text, rulesOf(checkDraft('rules.yaml', text, ['media'])));
    },
  };
}

/** Waits for what comes in its own time, but not forever. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1_500; attempt++) {
    if (await holds()) return;
    await wait(20);
  }
  assert.fail(`it never came that ${what}`);
}
