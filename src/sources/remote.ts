/**
 * Sources that are reached over a network: what each kind of them implements, and what one suite of tests (test/contract)
 * asks of all. Retries, limits and counts are wrappers around these methods, never part of them.
 */

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

/** One folder, listed completely: a file of it that is not here is gone. */
export interface RemoteFolder {
  /** Below the source's root; '' is the root. No segment is empty, `.` or `..`. */
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

export interface RemoteSource {
  /**
   * Every folder that has files, and nothing after it was once told. Throws `unreachable`, `denied` or `not-found` when the
   * listing cannot be completed: what was told until then is right, what was not told is not gone. May be repeated.
   */
  folders(signal: AbortSignal): AsyncIterable<RemoteFolder>;
  /** The present version; undefined when the file is gone. Throws as `folders` does. May be repeated. */
  stat(place: RemotePlace, signal: AbortSignal): Promise<Omit<RemoteFile, 'name' | 'key'> | undefined>;
  /**
   * Exactly the bytes that were asked for. Throws `content-changed` when the version is another one, before or while it is
   * read; `not-found`, `denied`, `unreachable`; `failed` for an answer that is no answer to the question. Never ends early
   * without an error. May be repeated, from any byte. Whoever stops iterating frees the connection.
   */
  read(place: RemotePlace, request: RangeRequest): AsyncIterable<Uint8Array>;
  /** Ends every connection. Nothing may be asked afterwards. */
  close(): Promise<void>;
}
