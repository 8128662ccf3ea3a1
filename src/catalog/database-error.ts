/** What the errors of SQLite mean, as errors that a user can act on. Loads no database. */
import { errorMessage, FacetError, type FacetErrorCode, systemErrorCode } from '../errors.js';

interface Meaning {
  code: FacetErrorCode;
  says: string;
  hint: string;
}

const DENIED: Meaning = {
  code: 'denied',
  says: 'cannot be opened or written',
  hint: 'check who owns it and its folder, or choose another with --home',
};

const FULL: Meaning = {
  code: 'no-space',
  says: 'cannot grow: its disk is full',
  hint: 'free some space and run the command again; what was written before is kept',
};

/** By the primary result code: https://sqlite.org/rescode.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  SQLITE_CORRUPT: {
    code: 'integrity',
    says: 'is damaged',
    hint: "move it away and scan again; the sources' own files are not affected",
  },
  SQLITE_NOTADB: {
    code: 'integrity',
    says: 'is not a catalog, or damaged',
    hint: 'move it away and scan again, or choose another with --home',
  },
  SQLITE_FULL: FULL,
  SQLITE_BUSY: {
    code: 'in-use',
    says: 'is being written by another process',
    hint: 'wait for it to finish, then run the command again',
  },
  SQLITE_READONLY: DENIED,
  SQLITE_PERM: DENIED,
  SQLITE_CANTOPEN: DENIED,
  SQLITE_IOERR: {
    code: 'failed',
    says: 'cannot be read or written: its disk reports errors',
    hint: 'look at the system log; is the disk full or failing?',
  },
};

/** What an error that SQLite raised means; any other value is returned as it is. `file` is the catalog, where it is known. */
export function databaseError(error: unknown, file?: string): unknown {
  if (error instanceof FacetError) return error;
  const primary = systemErrorCode(error)?.replace(/^(SQLITE_[A-Z]+)_.*/, '$1');
  const meaning = primary === undefined ? undefined : MEANINGS[primary];
  return meaning ? told(error, meaning, file) : error;
}

/** What an error of the system means that was raised while the catalog's file was made. */
export function creationError(error: unknown, file: string): unknown {
  if (error instanceof FacetError) return error;
  const full = ['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '');
  return told(error, full ? FULL : DENIED, file);
}

function told(error: unknown, meaning: Meaning, file: string | undefined): FacetError {
  const subject = file === undefined ? 'the catalog' : `the catalog ${file}`;
  return new FacetError(meaning.code, `${subject} ${meaning.says} (${errorMessage(error)})`, {
    path: file,
    cause: error,
    hint: meaning.hint,
  });
}

export function noCatalog(file: string): FacetError {
  return new FacetError('not-found', `there is no catalog at ${file} yet`, {
    path: file,
    hint: 'add a source first: facet index add NAME FOLDER',
  });
}
