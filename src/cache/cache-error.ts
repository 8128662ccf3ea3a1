/** What the errors of SQLite and of the system mean that come up inside the cache, as errors that a user can act on. */
import { errorMessage, FacetError, type FacetErrorCode, systemErrorCode } from '../errors.js';

interface Meaning {
  code: FacetErrorCode;
  says: string;
  hint: string;
}

const FULL: Meaning = {
  code: 'no-space',
  says: 'cannot grow: its disk is full',
  hint: 'free some space, or unpin something: facet cache unpin; what is cached stays readable',
};

const DENIED: Meaning = {
  code: 'denied',
  says: 'cannot be opened or written',
  hint: 'check who owns it, or choose another with --home',
};

const DAMAGED: Meaning = {
  code: 'integrity',
  says: 'has a damaged index',
  hint: 'move the directory away: all that it holds can be fetched again',
};

/** By errno, and by SQLite's result code: the extended one first, then the primary one (https://sqlite.org/rescode.html). */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  SQLITE_FULL: FULL,
  SQLITE_IOERR_SHMSIZE: FULL,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  SQLITE_READONLY: DENIED,
  SQLITE_PERM: DENIED,
  SQLITE_CANTOPEN: DENIED,
  SQLITE_CORRUPT: DAMAGED,
  SQLITE_NOTADB: DAMAGED,
  SQLITE_BUSY: {
    code: 'in-use',
    says: 'is being written by another process',
    hint: 'wait for it to finish, then try again',
  },
  SQLITE_IOERR: {
    code: 'failed',
    says: 'cannot be read or written: its disk reports errors',
    hint: 'look at the system log; is the disk full or failing?',
  },
};

/** What an error means that was raised in the cache of this directory; any other value is returned as it is. */
export function cacheError(error: unknown, directory: string): unknown {
  if (error instanceof FacetError) return error;
  const code = systemErrorCode(error) ?? '';
  const meaning = MEANINGS[code] ?? MEANINGS[code.replace(/^(SQLITE_[A-Z]+)_.*/, '$1')];
  if (meaning === undefined) return error;
  return new FacetError(meaning.code, `the cache ${directory} ${meaning.says} (${errorMessage(error)})`, {
    path: directory,
    cause: error,
    hint: meaning.hint,
  });
}

/** Runs `action` with its errors translated. */
export function translated<T>(directory: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw cacheError(error, directory);
  }
}

export function removed(directory: string): FacetError {
  return new FacetError('failed', `the cache ${directory} was removed while it was in use`, {
    path: directory,
    hint: 'try again: another one is made in its place',
  });
}

/** Runs `open`; undefined where nobody has made a cache yet. */
export function ifThere<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof FacetError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Is the disk full? Of an error that was translated. */
export function isNoSpace(error: unknown): boolean {
  return error instanceof FacetError && error.code === 'no-space';
}

export function noRoom(directory: string, bytes: number): FacetError {
  return new FacetError('no-space', `the cache ${directory} has no room for ${bytes} bytes more`, {
    path: directory,
    hint: 'raise cache.maxSize, lower cache.minFree, free some space or unpin something',
  });
}
