/**
 * Publishes what the catalog's change log tells, from where Redis is in it: a position that is written after the changes
 * before it. Where Redis has none, or one that the log does not have (it was pruned, or the catalog comes from a backup or a
 * copy), all files are published anew.
 */
import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.js';
import type { LoggedChange } from '../../catalog/changes.js';
import { Descriptions } from '../../catalog/descriptions.js';
import type { Node } from './nodes.js';
import { NO_TEXTS, type PublishedFile, type PublishedFiles } from './published-files.js';
import { isPublished, isTold, toldTexts } from './told-texts.js';

/** Changes that are read from the log, and files from the catalog, at once. */
const BATCH = 500;

export interface OutboxOptions {
  catalog: Catalog;
  published: PublishedFiles;
  node: Node;
  signal: AbortSignal;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #descriptions: Descriptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#descriptions = new Descriptions(options.catalog.db);
  }

  /**
   * Goes on to the end of the log, and returns the number of the last change that is in Redis. Throws the signal's reason,
   * and `exists` when the node's name is another one's by now.
   */
  async catchUp(): Promise<number> {
    const { catalog, published, node, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      if (catalog.log.lastSeq() === 0) return 0;
      await node.keepName();
      const position = await published.position();
      const changes = position === undefined ? undefined : this.#changesAfter(position);
      if (position === undefined || changes === undefined) await this.#publishAll();
      else if (changes.length === 0) return seqOf(position);
      else await this.#publishChanges(position, changes);
    }
  }

  /** Undefined where the log does not go on from there. */
  #changesAfter(position: string): LoggedChange[] | undefined {
    const [last, ...changes] = this.#options.catalog.log.after(seqOf(position) - 1, BATCH);
    return last && positionAt(last) === position ? changes : undefined;
  }

  async #publishChanges(position: string, changes: readonly LoggedChange[]): Promise<void> {
    const { published } = this.#options;
    await published.put(this.#filesOf(new Set(changes.map(({ fileId }) => fileId))));
    await published.move(position, positionAt(changes.at(-1)));
  }

  /** What changes meanwhile is in the log, after where it was at the start. */
  async #publishAll(): Promise<void> {
    const { catalog, published } = this.#options;
    const start = positionAt(catalog.log.after(catalog.log.lastSeq() - 1, 1)[0]);
    const unfinished = `all ${randomUUID()}`;
    await published.begin(unfinished);
    for (const source of catalog.sources.all().filter(isPublished)) {
      for (const page of catalog.files.pagesOf(source.id, BATCH)) {
        await published.put(this.#filesOf(page.map(({ id }) => id)));
      }
    }
    for await (const fileIds of published.fileIds()) {
      await published.put(this.#filesOf(fileIds).filter(({ texts }) => texts.size === 0));
    }
    await published.move(unfinished, start);
  }

  /** As the catalog has them now; those of sources that are not published are left out. */
  #filesOf(fileIds: Iterable<number>): PublishedFile[] {
    const { files } = this.#options.catalog;
    return [...fileIds].flatMap(fileId => {
      const file = files.get(fileId);
      if (file && !isPublished({ uri: file.sourceUri })) return [];
      if (!file || !isTold(file)) return [{ fileId, texts: NO_TEXTS }];
      const texts = toldTexts(file, this.#descriptions.properties(fileId), this.#descriptions.labels(fileId));
      return [{ fileId, texts }];
    });
  }
}

/** The time tells a change from that of the same number in another copy of the catalog. */
function positionAt(change: Pick<LoggedChange, 'seq' | 'at'> = { seq: 0, at: 0 }): string {
  return `${change.seq} ${change.at}`;
}

/** 0 for a text that is no position. */
function seqOf(position: string): number {
  return Number(/^(\d{1,15}) /.exec(position)?.[1] ?? 0);
}
