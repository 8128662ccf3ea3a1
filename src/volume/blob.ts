/**
 * What a download needs to know of a file, and what it needs of the cache: one version of one file, and where its bytes
 * are kept. The cache is plugged in here; tests have one in memory.
 */
import type { Interval } from '../cache/intervals.js';
import type { RemotePlace, RemoteSource } from '../sources/remote.js';

/** One version of one remote file. */
export interface RemoteContent {
  /** Of this version and no other: with it the cache finds the bytes, and readers of the same bytes find each other. */
  key: string;
  source: RemoteSource;
  place: RemotePlace;
  version: string | undefined;
  /** Bytes. */
  size: number;
  /** The SHA-256, where it is known. */
  sha256: Buffer | undefined;
}

/** The bytes of one version that are at hand. Every method may throw: then the bytes are delivered without being kept. */
export interface Blob {
  /** What of `[start, end)` is not there, written bytes being there before they are committed. */
  missing(start: number, end: number): Interval[];
  /** Fills `target` from its place `at` with `size` bytes of the file; undefined when not all of them are there. */
  read(target: Buffer, at: number, size: number, offset: number): number | undefined;
  /** Sets room aside for bytes that will be written. */
  reserve(start: number, end: number): void;
  /** One whole block, whose bytes are the caller's again when this settles. Not to be read before. */
  write(offset: number, bytes: Buffer): Promise<void>;
  /** Makes written blocks last, and known to other handles. What was not committed by `close` is lost. */
  commit(written: readonly Interval[]): Promise<void>;
  close(): void;
}

export interface BlobStore {
  /** Throws when the cache cannot be used. */
  open(content: RemoteContent): Blob;
}
