/** The password of a Redis: from the environment, or from a file that nobody else may read. Never from the catalog. */
import { readFileSync, statSync } from 'node:fs';
import { errorMessage, FacetError, systemErrorCode } from '../../errors.js';

export function redisPassword(env: NodeJS.ProcessEnv): string | undefined {
  if (env.FACET_REDIS_PASSWORD) return env.FACET_REDIS_PASSWORD;
  return env.FACET_REDIS_PASSWORD_FILE ? readSecret(env.FACET_REDIS_PASSWORD_FILE) : undefined;
}

/** The first line. */
function readSecret(file: string): string {
  try {
    if ((statSync(file).mode & 0o077) !== 0) throw new Error('others may read it');
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw isMissing(file, error);
    throw new FacetError('denied', `cannot take the password from ${file}: ${errorMessage(error)}`, {
      cause: error,
      path: file,
      hint: `FACET_REDIS_PASSWORD_FILE is to name a file that only you may read: chmod 600 ${file}`,
    });
  }
}

function isMissing(file: string, cause: unknown): FacetError {
  return new FacetError('not-found', `there is no file ${file} to take the password from`, {
    ...{ cause, path: file },
    hint: 'write the password into that file, readable by you alone, or let FACET_REDIS_PASSWORD_FILE name another one',
  });
}
