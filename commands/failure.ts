/**
 * How a failure is told: `facet: <what and why>` and `hint: <next step>` on stderr, or one JSON object with
 * `--json`, and the exit status. Three kinds of values are thrown: a FacetError, which says all of it itself; an
 * error of the operating system or of SQLite, which gets a readable message here; anything else is a bug.
 */
import { databaseError } from '../src/catalog/database-error.js';
import { errorMessage, FacetError, type FacetErrorCode, systemErrorCode } from '../src/errors.js';
import { exitStatuses } from './exit-status.js';
import { escapeControls, writeMessage } from './terminal.js';

export interface Failure {
  code: FacetErrorCode | 'internal';
  message: string;
  hint?: string | undefined;
  status: number;
}

interface Meaning {
  code: FacetErrorCode;
  hint?: string;
}

const noSpace: Meaning = {
  code: 'no-space',
  hint: 'free some space on that disk, then run the command again',
};
const denied: Meaning = { code: 'denied', hint: 'check the owner and the permissions' };
const unreachable: Meaning = {
  code: 'unreachable',
  hint: 'check the network and the address, then try again',
};
const broken: Meaning = { code: 'failed', hint: 'the disk or its driver reports errors; see the system log' };
const tooManyOpen: Meaning = {
  code: 'failed',
  hint: 'raise the limit with "ulimit -n", or work on less at once',
};

const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EFBIG: { code: 'no-space' },
  EACCES: denied,
  EPERM: denied,
  EROFS: { code: 'read-only' },
  ENOENT: { code: 'not-found' },
  ENOTDIR: { code: 'not-found' },
  EEXIST: { code: 'exists' },
  EBUSY: { code: 'in-use' },
  ETXTBSY: { code: 'in-use' },
  EADDRINUSE: { code: 'in-use' },
  EIO: broken,
  EMFILE: tooManyOpen,
  ENFILE: tooManyOpen,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  ETIMEDOUT: unreachable,
  ESTALE: unreachable,
  ENOTCONN: unreachable,
};

export function describeFailure(error: unknown): Failure {
  // Reading the catalog throws what SQLite throws.
  const told = databaseError(error);
  if (!(told instanceof FacetError)) return systemFailure(error) ?? internalFailure(error);
  const { code, message, hint } = told;
  return { code, message, hint, status: exitStatuses[code] };
}

/** Node's own functions reject with an AbortError of their own instead of the signal's reason. */
export function causeOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted && isAbort(error) ? signal.reason : error;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || systemErrorCode(error) === 'ABORT_ERR');
}

function systemFailure(error: unknown): Failure | undefined {
  const code = systemErrorCode(error);
  if (code === undefined || !(error instanceof Error) || !('syscall' in error)) return undefined;
  const meaning = meanings[code] ?? { code: 'failed' };
  return {
    code: meaning.code,
    message: systemMessage(error, code),
    hint: meaning.hint,
    status: exitStatuses[meaning.code],
  };
}

/** `ENOSPC: no space left on device, write` → `cannot write: no space left on device`. */
function systemMessage(error: Error, code: string): string {
  const syscall = 'syscall' in error ? String(error.syscall) : '';
  const path = 'path' in error && error.path !== undefined ? ` ${String(error.path)}` : '';
  const words = /^[A-Z0-9_]+: ([^,]+), /.exec(error.message)?.[1];
  return words === undefined ? `${error.message} (${code})` : `cannot ${syscall}${path}: ${words}`;
}

function internalFailure(error: unknown): Failure {
  const message = `internal error: ${errorMessage(error)}`;
  return {
    code: 'internal',
    message,
    hint: 'this is a bug; run it again with --verbose to see where',
    status: 1,
  };
}

/** How a command ends of whose items some failed, with these codes: with one of its own, unless all failed for one reason. */
export function codeOfSeveral(codes: ReadonlySet<Failure['code']>, allFailed: boolean): FacetErrorCode {
  const [code, ...others] = codes;
  return !allFailed || code === undefined || code === 'internal' || others.length > 0 ? 'partial' : code;
}

/**
 * The next step when several things were to be `done` and some could not be. Only what was unreachable may be reachable the
 * next time; for the rest the warnings say what is to be mended first.
 */
export function againHint(codes: ReadonlySet<Failure['code']>, done: string): string {
  const again = `run the same command again: what was ${done} is not ${done} twice`;
  return codes.has('unreachable') ? again : `when that is mended, ${again}`;
}

/** Prints the failure; with `verbose`, and not as JSON, its stack and causes too. */
export async function reportFailure(
  error: unknown,
  failure: Failure,
  { json, verbose }: { json: boolean; verbose: boolean },
): Promise<void> {
  const { code, message, hint } = failure;
  if (json) writeMessage(JSON.stringify({ error: { code, message, hint } }));
  else writeMessage(messageLines(message, hint));
  if (!verbose || json || code === 'usage') return;
  const { inspect } = await import('node:util');
  writeMessage(inspect(error));
}

/** One line each: a name with a newline or an escape sequence in it must not forge lines or drive the terminal. */
export function messageLines(message: string, hint: string | undefined): string {
  const first = `facet: ${escapeControls(message)}`;
  return hint === undefined ? first : `${first}\nhint: ${escapeControls(hint)}`;
}
