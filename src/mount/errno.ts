/** What an error is to a program that reads a mount: a number of errno(3). */
import { constants } from 'node:os';
import { FacetError, type FacetErrorCode } from '../errors.js';

const { errno } = constants;

const ERRNO: Readonly<Record<FacetErrorCode, number>> = {
  usage: errno.EINVAL,
  'not-found': errno.ENOENT,
  exists: errno.EEXIST,
  denied: errno.EACCES,
  unreachable: errno.EIO,
  'content-changed': errno.ESTALE,
  integrity: errno.EIO,
  'in-use': errno.EBUSY,
  'no-space': errno.ENOSPC,
  'read-only': errno.EROFS,
  partial: errno.EIO,
  interrupted: errno.EINTR,
  failed: errno.EIO,
};

/** Positive; EIO for what is neither a `FacetError` nor an error of the operating system. */
export function errnoOf(error: unknown): number {
  if (error instanceof FacetError) return ERRNO[error.code];
  // Node keeps the numbers of system errors negative.
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') return -error.errno;
  return errno.EIO;
}
