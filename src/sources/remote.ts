/**
 * Sources that are reached over a network: what each kind of them implements, and what one suite of tests (test/contract)
 * asks of all. Retries, limits and counts are wrappers around these methods, never part of them.
 */
import type { Unreadable } from './source.js';

/** One version of one file. */
export interface RemoteFile {
  name: string;
  /** What the source calls the whole path, where that is not the path below its root. */
  key: string | undefined;
  /** Bytes. */
  size: number;
  /** Microseconds since the epoch. */
  mtimeUs: number;
  /**
   * Another one for other contents: an entity tag (RFC 9110, 8.8.3), or whatever else the source offers. Undefined where it
   * offers nothing; then size and time tell versions apart.
   */
  version: string | undefined;
}

/** One folder, listed completely: a file of it that is not here is gone, or was told as unreadable. */
export interface RemoteFolder {
  /** Below the source's root; '' is the root. No segment is empty, `.`, `..` or longer than 255 bytes. */
  path: string;
  /** In any order, each name once. */
  files: RemoteFile[];
}

/** What says where a file is. */
export interface RemotePlace {
  path: string;
  key: string | undefined;
}

export interface RangeRequest {
  /** The first byte, and the one behind the last. */
  start: number;
  end: number;
  /** What the catalog knows of the file: other contents are an error, never an answer. */
  version: string | undefined;
  size: number;
  signal: AbortSignal;
}

export type ChecksumRequest = Pick<RangeRequest, 'version' | 'size' | 'signal'>;

/** What all bytes of a file add up to: they are put in, in order, and compared at the end. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  /** To be asked once. Where it turns out that nothing is known of them, they match. May throw as the source does. */
  matches(): Promise<boolean>;
}

export interface PutRequest {
  /** Bytes of the whole. */
  size: number;
  /** Only if this version is there, or if there is none (`null`); undefined writes over anything. */
  replaces?: string | null | undefined;
  signal: AbortSignal;
}

export interface RemoteSource {
  /**
   * Every folder that has files, once and complete. Besides them, what cannot be listed while the rest can, a folder with all
   * that is below it or a single file; some of a folder may be told before it turns out to be unreadable. Throws `unreachable`,
   * `denied` or `not-found` when that is the root, or when the listing cannot go on: what was told until then is right, what
   * was not told is not gone. May be repeated.
   */
  folders(signal: AbortSignal): AsyncIterable<RemoteFolder | Unreadable>;
  /**
   * The present version; undefined when the file is gone. Throws `unreachable`, `denied` or `not-found` when it cannot be told.
   * May be repeated.
   */
  stat(place: RemotePlace, signal: AbortSignal): Promise<Omit<RemoteFile, 'name' | 'key'> | undefined>;
  /**
   * Exactly the bytes that were asked for. Throws `content-changed` when the version is another one, before or while it is
   * read; `not-found`, `denied`, `unreachable`; `integrity` for bytes that are not those of their checksum, before any of them;
   * `failed` for an answer that is no answer to the question. Never ends early without an error. May be repeated, from any byte. Whoever stops iterating frees the connection; whoever is done with a
   * piece, and with those before it, may call `giveBack` with it.
   */
  read(place: RemotePlace, request: RangeRequest): AsyncIterable<Uint8Array>;
  /**
   * What the source says of all bytes of this version, as far as `read` does not compare them itself; undefined where it says
   * nothing that can be computed here. Throws as `stat` does, and `content-changed`. May be repeated.
   */
  checksum?(place: RemotePlace, request: ChecksumRequest): Promise<Checksum | undefined>;
  /**
   * Where it can be written to: the file is there at the end, whole, or everything is as it was. Resolves to the new version.
   * Throws `exists` when what `replaces` says does not hold, `failed` when the body is longer or shorter than was said or the
   * server knows no conditions, or as `folders`. May be repeated without a condition; with one, `unreachable` leaves open
   * whether it was written.
   */
  put?(place: RemotePlace, body: AsyncIterable<Uint8Array>, request: PutRequest): Promise<string | undefined>;
  /** Ends every connection. Nothing may be asked afterwards. */
  close(): Promise<void>;
}
