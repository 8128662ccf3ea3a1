/** Any file's contents, wherever they are: on a disk of this machine, in the cache, or at a remote source. */
import { closeSync } from 'node:fs';
import { type FileRecord, sourcePath } from '../catalog/files.js';
import { FacetError } from '../errors.js';
import { modifiedUs } from '../sources/local.js';
import type { Checksum } from '../sources/remote.js';
import type { NearFile } from './near-files.js';
import type { PartFile } from './part-file.js';
import { PIECE, readPieces, refuseChanged } from './pieces.js';
import type { RemoteContents } from './remote-contents.js';
import type { Volume } from './volume.js';

/** One version of a file, open for reading. */
export interface OpenContents {
  /** Bytes. */
  size: number;
  mtimeUs: number;
  /** st_mode. */
  mode: number;
  /** Is it cheap to read the same bytes again? */
  isLocal: boolean;
  /**
   * The bytes from `start` up to, not including, `end`. Throws the signal's reason, and what a source throws. They may lie in
   * `into`, `PIECE` large, and are gone with the next piece then.
   */
  pieces(start: number, end: number, signal?: AbortSignal, into?: Buffer): AsyncIterable<Buffer>;
  /**
   * Fills all that a file lacks, at its own pace and in any order, where that is quicker than `pieces`: without leaving anything
   * in the cache. When it settles, nothing more is written. Throws as `pieces` does, and what writing throws.
   */
  bring?: (part: PartFile, signal: AbortSignal) => Promise<void>;
  /** What all bytes that `bring` gets are to add up to; undefined where nobody says, or it need not be asked. */
  checksum?: (signal: AbortSignal) => Promise<Checksum | undefined>;
  /** Throws `content-changed` when what was read may be of two versions. */
  refuseChanged(): void;
  close(): void;
}

/** Opens remote contents when the first of them is wanted: most volumes have none. */
export type OpenRemoteContents = () => Promise<RemoteContents>;

/** Throws as `Volume.open` does, or as a remote source does. */
export async function openContents(
  volume: Volume,
  record: FileRecord,
  openRemote: OpenRemoteContents | undefined,
): Promise<OpenContents> {
  if (!volume.isRemote(record.sourceId)) return local(volume, record);
  if (openRemote) return remote(record, await openRemote());
  throw new FacetError(
    'usage',
    `${sourcePath(record)} is at a remote source, and nobody said how to reach it`,
  );
}

function local(volume: Volume, record: FileRecord): OpenContents {
  const { fd, stats } = volume.open(record);
  return {
    size: stats.size,
    mtimeUs: modifiedUs(stats),
    mode: stats.mode,
    isLocal: true,
    pieces: (start, end, signal, into) => readPieces(fd, start, end, signal, into),
    refuseChanged: () => refuseChanged(fd, stats, sourcePath(record)),
    close: () => closeSync(fd),
  };
}

/** A source answers with the version that it was asked for, or with an error. */
async function remote(record: FileRecord, contents: RemoteContents): Promise<OpenContents> {
  const near = await contents.openNear(record);
  const { size, mtimeUs, mode } = record;
  return {
    ...{ size, mtimeUs, mode },
    isLocal: false,
    pieces: (start, end, signal, into) => remotePieces({ record, contents, near }, start, end, signal, into),
    ...(!near && {
      bring: (part: PartFile, signal: AbortSignal) => contents.bring(record, part, signal),
      checksum: (signal: AbortSignal) => contents.checksumOf(record, signal),
    }),
    refuseChanged: () => {},
    close: () => near?.close(),
  };
}

interface RemoteFile {
  record: FileRecord;
  contents: RemoteContents;
  near: NearFile | undefined;
}

/** What is near, as far as it goes; the rest from the cache or the source. */
async function* remotePieces(
  { record, contents, near }: RemoteFile,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
  into: Buffer | undefined,
): AsyncGenerator<Buffer> {
  let at = start;
  for (let piece: Buffer | undefined; near && at < end; at += piece.length) {
    signal?.throwIfAborted();
    piece = await near.read(at, Math.min(at + PIECE, end));
    if (!piece) break;
    yield piece;
  }
  if (at < end) yield* contents.downloads.stream(await contents.contentOf(record), at, end, signal, into);
}
