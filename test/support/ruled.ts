/** A catalog with files that are called by their origins (`docs:work/a.pdf`), and rules.yaml applied to it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.js';
import { type FileAttributes, originOf } from '../../src/catalog/files.js';
import { EntryType } from '../../src/catalog/projector.js';
import type { Description } from '../../src/catalog/writer.js';
import { checkDraft, type Draft, rulesOf } from '../../src/rules/document.js';
import { applyRules } from '../../src/tree/apply-rules.js';
import { openCatalog } from '../../src/tree/open-catalog.js';
import { putFiles, putSource } from './catalogs.js';
import { temporaryFolder } from './temporary-folder.js';
import { assertSound, readTree } from './tree-contents.js';

export class Ruled {
  readonly catalog: Catalog;
  readonly ids = new Map<string, number>();

  constructor(context: TestContext, files: readonly string[] = []) {
    const catalog = openCatalog(join(temporaryFolder(context), 'catalog.db'));
    this.catalog = catalog;
    context.after(() => catalog.close());
    for (const each of files) this.add(each);
  }

  /** Adds a file, and its source where it is new. Returns its id. */
  add(origin: string, attributes: Partial<FileAttributes> = {}): number {
    const [, name = '', folder = '', file = ''] = /^([^:]+):(?:(.+)\/)?([^/]+)$/.exec(origin) ?? [];
    const source = this.catalog.sources.find(name) ?? putSource(this.catalog, name);
    const [id = 0] = putFiles(this.catalog, source, folder, [file], attributes);
    this.ids.set(origin, id);
    return id;
  }

  id(origin: string): number {
    return this.ids.get(origin) ?? assert.fail(`there is no ${origin}`);
  }

  remove(origin: string): void {
    this.catalog.write(writer => writer.deleteFile(this.id(origin)));
  }

  describe(origin: string, description: Description): void {
    this.catalog.write(writer => writer.describeFile({ id: this.id(origin) }, description));
  }

  draft(text: string): Draft {
    return checkDraft(
      'rules.yaml',
      text,
      this.catalog.sources.all().map(({ name }) => name),
    );
  }

  /** `directories` is what follows `directories:`; or a whole document, which begins with `version`. */
  apply(text: string): this {
    const document = documentOf(text);
    applyRules(this.catalog, document, rulesOf(this.draft(document)));
    return this;
  }

  /** Path → origin, of everything in the tree that is no directory. */
  files(): Record<string, string> {
    assertSound(this.catalog.db);
    const files = [...readTree(this.catalog.db)].filter(([, { type }]) => type !== EntryType.directory);
    return Object.fromEntries(
      files.map(([path, { ino }]) => [path, originOf(this.catalog.files.get(ino) ?? assert.fail())]),
    );
  }

  directories(): string[] {
    const nodes = [...readTree(this.catalog.db)].filter(([, { type }]) => type === EntryType.directory);
    return nodes.map(([path]) => path).sort();
  }
}

export function documentOf(text: string): string {
  return text.startsWith('version') ? text : `version: 1\ndirectories:\n${text}`;
}
