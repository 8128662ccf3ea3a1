/**
 * Publishes a catalog to a Redis, as the node `one`, until it is killed. Prints a line when it begins.
 *
 *     node publish-process.js CATALOG REDIS
 */
import { keepPublished } from '../../src/indexing/stream/publish.js';
import { openCatalog } from '../support/catalogs.js';

const [file = '', uri = ''] = process.argv.slice(2);
const catalog = openCatalog(file);
keepPublished(catalog, {
  ...{ uri, keyPrefix: '', node: 'one', version: '1.2.3' },
  onProblem: message => console.error(message),
});
console.log('publishing');
