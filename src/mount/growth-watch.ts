/**
 * Notices that open files are written to at their origin, so that whoever has one open sees it grow (`tail -f`). Works
 * in the notify thread: dropping pages may have to wait for a read.
 */
import { fstatSync } from 'node:fs';
import { modifiedUs } from '../sources/local.js';
import { contentTag } from './content-tag.js';
import { encodeInvalidInode, notify } from './kernel/notify.js';
import type { OpenFileTable, WatchedFile } from './open-file-table.js';
import type { Version } from './sightings.js';

const PAGE = 4096;
const ATTRIBUTES_ONLY = -1;

export class GrowthWatch {
  readonly #device: number;
  readonly #table: OpenFileTable;
  /** What was shown last, by slot. */
  readonly #shown = new Map<number, { generation: number; version: Version }>();

  constructor(device: number, table: OpenFileTable) {
    this.#device = device;
    this.#table = table;
  }

  /** Looks at every open file once. */
  look(): void {
    for (const file of this.#table.watched()) {
      const version = this.#versionOf(file);
      if (version && !this.#isKnown(file, version)) this.#show(file, version);
    }
  }

  #versionOf(file: WatchedFile): Version | undefined {
    try {
      const stats = fstatSync(file.fd);
      // A descriptor that was closed meanwhile may have been another file's already.
      return this.#table.isOpen(file) ? { size: stats.size, mtimeUs: modifiedUs(stats) } : undefined;
    } catch {
      return undefined;
    }
  }

  #isKnown({ slot, generation, tag }: WatchedFile, { size, mtimeUs }: Version): boolean {
    const shown = this.#shown.get(slot);
    if (shown?.generation !== generation) return contentTag(size, mtimeUs) === tag;
    return shown.version.size === size && shown.version.mtimeUs === mtimeUs;
  }

  /** First the pages, then the size: a page that was read when the file ended in it has zeros behind that end. */
  #show(file: WatchedFile, version: Version): void {
    const { slot, generation, ino, tag } = file;
    const before = this.#shown.get(slot);
    const knownSize = before?.generation === generation ? before.version.size : 0;
    const from = version.size > knownSize ? knownSize - (knownSize % PAGE) : 0;
    this.#shown.set(slot, { generation, version });
    notify(this.#device, encodeInvalidInode(ino, tag, from));
    this.#table.show(file, version);
    notify(this.#device, encodeInvalidInode(ino, tag, ATTRIBUTES_ONLY));
  }
}
