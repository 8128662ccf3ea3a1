/** The place that a fetched file is to have: what is there already, and what it means when it cannot be written. */
import { lstatSync, type Stats } from 'node:fs';
import { FacetError, systemErrorCode } from '../errors.js';
import { fsPath } from '../sources/file-names.js';

/** In this thread, as whatever takes no time: handing it to another one would take more than doing it. */
export function presentAt(destination: string): Stats | undefined {
  return lstatSync(fsPath(destination), { throwIfNoEntry: false });
}

export function refuseUnless(allowed: boolean, destination: string): void {
  if (allowed) return;
  throw new FacetError('exists', `${destination} is there already, and is another`, {
    path: destination,
    hint: 'choose another place with -o, or replace files with --force',
  });
}

interface Meaning {
  says: string;
  hint: string;
}

const AGAIN = 'then run the same command again';

const NO_ROOM: Readonly<Record<string, Meaning>> = {
  ENOSPC: { says: 'no space left on device', hint: `free some space on that disk, ${AGAIN}` },
  EDQUOT: { says: 'disk quota exceeded', hint: `free some space on that disk, ${AGAIN}` },
  EFBIG: {
    says: 'file too large',
    hint: 'its disk takes no file of this size: choose another place with -o',
  },
};

/** The system does not say which file it had no room for. Any other value is returned as it is. */
export function writeError(error: unknown, destination: string): unknown {
  const meaning = NO_ROOM[systemErrorCode(error) ?? ''];
  if (!meaning) return error;
  return new FacetError('no-space', `cannot write ${destination}: ${meaning.says}`, {
    path: destination,
    hint: meaning.hint,
    cause: error,
  });
}
