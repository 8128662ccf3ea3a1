/** The place that a fetched file is to have: what is there already, and what it means when it cannot be written. */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { FacetError, type FacetErrorCode, systemErrorCode } from '../errors.js';
import { fsPath } from '../sources/file-names.js';

/** In this thread, as whatever takes no time: handing it to another one would take more than doing it. */
export function presentAt(destination: string): Stats | undefined {
  return lstatSync(fsPath(destination), { throwIfNoEntry: false });
}

/**
 * Throws `exists` for what is there and has to stay: with `force` what is neither a file nor a link, without it anything. A
 * link is a thing of its own, and what it leads to is never touched.
 */
export function refusePresent(present: Stats, destination: string, force: boolean): void {
  if (present.isDirectory()) throw occupied(destination, 'is a folder', 'remove it');
  if (isSpecial(present, destination)) {
    throw occupied(destination, 'is no regular file', 'write into it with --stdout');
  }
  if (!force) throw occupied(destination, 'is another', 'replace files with --force');
}

export function occupied(path: string, is: string, or: string): FacetError {
  const hint = `choose another place with -o, or ${or}`;
  return new FacetError('exists', `${path} is there already, and ${is}`, { path, hint });
}

/** A device, a FIFO or a socket, or a link to one, such as /dev/stdout: nobody wants a file in its place. */
function isSpecial(present: Stats, path: string): boolean {
  const what = present.isSymbolicLink() ? behindLink(path) : present;
  return what !== undefined && !what.isFile() && !what.isDirectory();
}

function behindLink(path: string): Stats | undefined {
  try {
    return statSync(fsPath(path));
  } catch {
    // It leads nowhere that anybody could tell.
    return undefined;
  }
}

interface Meaning {
  code: FacetErrorCode;
  says: string;
  hint: string;
}

const AGAIN = 'then run the same command again';
const ELSEWHERE = 'choose another place with -o';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: {
    code: 'no-space',
    says: 'no space left on device',
    hint: `free some space on that disk, ${AGAIN}`,
  },
  EDQUOT: { code: 'no-space', says: 'disk quota exceeded', hint: `free some space on that disk, ${AGAIN}` },
  EFBIG: {
    code: 'no-space',
    says: 'file too large',
    hint: `its disk takes no file of this size: ${ELSEWHERE}`,
  },
  EROFS: { code: 'read-only', says: 'read-only file system', hint: ELSEWHERE },
  EACCES: {
    code: 'denied',
    says: 'permission denied',
    hint: `check the owner and the permissions, or ${ELSEWHERE}`,
  },
};

/** The system names none of the files that it had no room for, and of others the part. Any other value is returned as it is. */
export function writeError(error: unknown, destination: string): unknown {
  const meaning = MEANINGS[systemErrorCode(error) ?? ''];
  if (!meaning) return error;
  return new FacetError(meaning.code, `cannot write ${destination}: ${meaning.says}`, {
    path: destination,
    hint: meaning.hint,
    cause: error,
  });
}
