/** Computes the SHA-256 of files of a source, and notices contents that changed behind an unchanged size and time. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Catalog } from '../catalog/catalog.js';
import { type FileRecord, sourcePath } from '../catalog/files.js';
import type { SourceRecord } from '../catalog/sources.js';
import { errorMessage, FacetError } from '../errors.js';
import { openContained } from '../sources/contained.js';
import { modifiedUs } from '../sources/local.js';
import type { Unreadable } from '../sources/source.js';

export interface HashOptions {
  /** All files, not only those without a checksum. */
  all: boolean;
  signal: AbortSignal | undefined;
  /** Told how many checksums there are so far. */
  onProgress: (hashed: number) => void;
}

export interface HashResult {
  hashed: number;
  /** Files whose contents are not those of the checksum that was known. */
  modified: number;
  unreadable: Unreadable[];
}

/** Checksums that are written in one transaction: what is lost when the process is killed. */
const BATCH = 200;

export async function hashFiles(
  catalog: Catalog,
  source: SourceRecord,
  root: string,
  options: HashOptions,
): Promise<HashResult> {
  const result: HashResult = { hashed: 0, modified: 0, unreadable: [] };
  for (let after = 0; ; ) {
    const files = catalog.files.toHash(source.id, after, BATCH, options.all);
    const last = files.at(-1);
    if (!last) return result;
    after = last.id;
    const hashes = new Map<FileRecord, Buffer>();
    for (const file of files) {
      const sha256 = await hashOne(root, source, file, options, result);
      if (sha256) hashes.set(file, sha256);
    }
    catalog.write(writer => {
      for (const [file, sha256] of hashes) {
        if (writer.setHash(file, sha256)) result.modified++;
      }
    });
    result.hashed += hashes.size;
    options.onProgress(result.hashed);
  }
}

async function hashOne(
  root: string,
  source: SourceRecord,
  file: FileRecord,
  { signal }: HashOptions,
  result: HashResult,
): Promise<Buffer | undefined> {
  const path = sourcePath(file);
  try {
    const { fd } = openContained(root, path, source.options.follow);
    try {
      const digest = await digestOf(fd, signal);
      const stats = fstatSync(fd);
      // Changed while it was read, or since it was listed: the next scan brings its new version.
      if (stats.size !== file.size || modifiedUs(stats) !== file.mtimeUs) return undefined;
      return digest;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!(error instanceof FacetError) || error.code !== 'not-found') {
      result.unreadable.push({ path, reason: errorMessage(error) });
    }
    return undefined;
  }
}

const chunk = Buffer.allocUnsafe(1 << 20);

/** Throws the reason of `signal` when that fires: looked at before every chunk, so once a file at least. */
async function digestOf(fd: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const hash = createHash('sha256');
  for (;;) {
    await turn();
    signal?.throwIfAborted();
    const length = readSync(fd, chunk);
    if (length === 0) return hash.digest();
    hash.update(chunk.subarray(0, length));
  }
}
