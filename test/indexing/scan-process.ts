/**
 * Scans the source `docs` of a catalog with the permissions of its own process. Prints `listing` when the first files are
 * written, and at the end the result or the code of the error, as JSON.
 *
 *     node scan-process.js CATALOG [repeatedly]
 */
import { errorMessage, FacetError } from '../../src/errors.js';
import { scan } from '../../src/indexing/scan.js';
import { openCatalog } from '../support/catalogs.js';

const [file = '', repeatedly] = process.argv.slice(2);
const catalog = openCatalog(file);
let told = false;
do {
  console.log(JSON.stringify(await tryToScan()));
} while (repeatedly);
catalog.close();

async function tryToScan() {
  try {
    return await scan(catalog, catalog.sources.get('docs'), { onProgress: tell });
  } catch (error) {
    return { error: error instanceof FacetError ? error.code : errorMessage(error) };
  }
}

function tell(): void {
  if (!told) console.log('listing');
  told = true;
}
