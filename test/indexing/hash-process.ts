/**
 * Scans the source `docs` of a catalog and computes checksums, with the permissions of its own process. Prints the result
 * as JSON.
 *
 *     node hash-process.js CATALOG
 */
import { scan } from '../../src/indexing/scan.js';
import { openCatalog } from '../support/catalogs.js';

const [file = ''] = process.argv.slice(2);
const catalog = openCatalog(file);
console.log(JSON.stringify(await scan(catalog, catalog.sources.get('docs'), { hash: 'missing' })));
catalog.close();
