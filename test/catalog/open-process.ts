/**
 * Opens a catalog and prints how that went, as JSON: "opened", or the code of the error. With `wait`, it prints `ready`
 * first and opens when its input ends.
 *
 *     node open-process.js CATALOG [wait]
 */
import { once } from 'node:events';
import { errorMessage, FacetError } from '../../src/errors.js';
import { openCatalog } from '../support/catalogs.js';

const [file = '', wait] = process.argv.slice(2);
if (wait) {
  console.log('ready');
  await once(process.stdin.resume(), 'end');
}
console.log(JSON.stringify(tryToOpen()));

function tryToOpen(): string {
  try {
    openCatalog(file).close();
    return 'opened';
  } catch (error) {
    return error instanceof FacetError ? error.code : errorMessage(error);
  }
}
