/**
 * The one error type that users see. Every failure that is not a bug becomes a `FacetError`: a code that
 * programs can act on, a message that says what failed and why, and a hint that says what to do next.
 *
 * Three exhaustive tables translate a code at the edges: to an exit status (`commands/exit-status.ts`), to an
 * errno (`mount/errno.ts`) and, once there is a server, to an HTTP status.
 */

export type FacetErrorCode =
  | 'usage' //           the command line or a configuration file asks for something that makes no sense
  | 'not-found' //       a path, source or item that does not exist
  | 'exists' //          the target is there already and was not to be overwritten
  | 'denied' //          the operating system or a remote refuses access
  | 'unreachable' //     a source cannot be listed or read now; its files stay in the catalog
  | 'content-changed' // the bytes are not those of the version that was asked for
  | 'integrity' //       stored data contradicts its checksum or its own structure
  | 'in-use' //          locked by, or busy with, another process
  | 'no-space' //        the disk is full, or a quota is used up
  | 'read-only' //       writing where only reading is possible
  | 'partial' //         some of several items failed
  | 'interrupted' //     stopped by a signal
  | 'failed'; //         anything else

export interface FacetErrorDetails {
  /** The next step for the user, one line without a full stop. */
  hint?: string | undefined;
  /** The file or folder the error is about, where there is one. */
  path?: string | undefined;
  cause?: unknown;
}

export class FacetError extends Error {
  override readonly name = 'FacetError';
  readonly code: FacetErrorCode;
  readonly hint: string | undefined;
  readonly path: string | undefined;

  constructor(code: FacetErrorCode, message: string, details: FacetErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.path = details.path;
  }
}

/** The `code` of an error that Node raised for a system call (`ENOENT` …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What a user should read about any thrown value: its message, never a stack trace. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
