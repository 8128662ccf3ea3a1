/** Fills a small blob: in `tmp/`, for this writer alone, and moved to where others find it once it is whole and checked. */
import { closeSync, fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { FacetError } from '../errors.js';
import type { BlobFiles, NewFile } from './blob-files.js';
import { blockCount, readFully, roomOf, writeFully } from './blocks.js';
import { cacheError, translated } from './cache-error.js';
import { Digest } from './digest.js';
import { fileState } from './file-state.js';
import { BlobHandle, type CacheParts } from './handle.js';
import { Intervals } from './intervals.js';
import type { Space } from './space.js';
import { shareContents } from './twins.js';
import type { BlobWriter } from './writer.js';

export interface WriterParts extends CacheParts {
  files: BlobFiles;
  space: Space;
}

export class WholeWriter implements BlobWriter {
  readonly #key: string;
  readonly #size: number;
  readonly #parts: WriterParts;
  readonly #digest: Digest;
  readonly #written = new Intervals();
  readonly #file: NewFile;
  readonly #id: number;
  #isOpen = true;

  /** Sets room aside for all of it. Throws `no-space`. */
  constructor(key: string, size: number, expected: Buffer | undefined, parts: WriterParts) {
    this.#key = key;
    this.#size = size;
    this.#parts = parts;
    this.#digest = new Digest(expected);
    this.#file = translated(parts.index.directory, () => parts.files.make());
    try {
      this.#id = this.#setAside();
    } catch (error) {
      this.#removeFile();
      throw error;
    }
  }

  #setAside(): number {
    const { space, blobs } = this.#parts;
    const room = roomOf(this.#size, { start: 0, end: blockCount(this.#size) });
    let id = 0;
    space.reserve(
      () => room,
      () => {
        id = blobs.addWritten(this.#file.name, this.#size, room);
      },
    );
    return id;
  }

  reserve(): void {}

  /** What is small is written in no time. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset + bytes.length > this.#size) throw new Error('a blob was written beyond its end');
    translated(this.#parts.index.directory, () => writeFully(this.#file.fd, bytes, offset));
    this.#written.add(offset, offset + bytes.length);
    this.#digest.update(offset, bytes);
  }

  read(target: Uint8Array, at: number, size: number, offset: number): number | undefined {
    const isThere = this.#written.covers(offset, offset + size);
    return isThere && readFully(this.#file.fd, target, at, size, offset) ? size : undefined;
  }

  async commit(): Promise<boolean> {
    return this.isFull;
  }

  get isFull(): boolean {
    return this.#written.covers(0, this.#size);
  }

  async complete(): Promise<BlobHandle> {
    const { sha256, crcs } = this.#checkContents();
    const shared = shareContents(this.#key, this.#size, sha256, this.#parts);
    if (shared !== undefined) return shared;
    await flush(this.#file.fd, this.#parts.index.directory);
    await this.#keep(sha256, crcs);
    const handle = this.#takeOver() ?? shareContents(this.#key, this.#size, sha256, this.#parts);
    if (handle === undefined) throw incomplete(this.#key);
    return handle;
  }

  #checkContents(): ReturnType<Digest['finish']> {
    if (!this.isFull) throw incomplete(this.#key);
    for (const _ of this.#digest.readRest(this.#file.fd, this.#size));
    return this.#digest.finish();
  }

  /** The bytes are flushed: lets others find them, unless somebody has kept the same meanwhile, or closed the writer. */
  async #keep(sha256: Buffer, crcs: readonly number[]): Promise<void> {
    const { index, blobs, blocks, files } = this.#parts;
    translated(index.directory, () => files.keep(this.#file.name));
    // Moving it was the last change.
    const state = fileState(this.#file.fd);
    await index.writeTogether(() => {
      if (!this.#isOpen || blobs.findContents(sha256, this.#size) !== undefined) return;
      blobs.keepWritten(this.#id, blockCount(this.#size), sha256);
      blocks.addAll(this.#id, crcs);
      if (state !== undefined) blobs.setChecked(this.#id, state);
      blobs.setKey(this.#key, this.#id);
    });
  }

  /** What was kept; its file is locked already. */
  #takeOver(): BlobHandle | undefined {
    const blob = this.#parts.blobs.get(this.#id);
    if (blob === undefined) return undefined;
    this.#isOpen = false;
    return new BlobHandle(blob, this.#file.fd, this.#parts);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#removeFile();
    // On a full disk the row cannot be deleted; whoever sweeps next does it.
    this.#parts.index.tryWrite(() => this.#parts.blobs.delete(this.#id));
  }

  #removeFile(): void {
    this.#parts.files.remove(this.#file.name);
    closeSync(this.#file.fd);
  }
}

export function incomplete(key: string): FacetError {
  return new FacetError('failed', `not all contents of ${key} were fetched`);
}

/** fdatasync(2) in another thread. */
export async function flush(fd: number, directory: string): Promise<void> {
  try {
    await promisify(fdatasync)(fd);
  } catch (error) {
    throw cacheError(error, directory);
  }
}
