/**
 * Takes a lock, prints `taken` or the code of the error, and holds it until its input ends.
 *
 *     node lock-process.js FILE [MILLISECONDS]
 */
import { once } from 'node:events';
import { type Lock, takeLock } from '../../src/catalog/lock.js';
import { errorMessage, FacetError } from '../../src/errors.js';

const [file = '', waitMs = '0'] = process.argv.slice(2);
const lock = tryToTake();
await once(process.stdin.resume(), 'end');
lock?.release();

function tryToTake(): Lock | undefined {
  try {
    const taken = takeLock(file, 'taken already', 'wait', Number(waitMs));
    console.log('taken');
    return taken;
  } catch (error) {
    console.log(error instanceof FacetError ? error.code : errorMessage(error));
    return undefined;
  }
}
