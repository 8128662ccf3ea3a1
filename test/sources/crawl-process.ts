/**
 * Crawls a folder with the permissions of its own process. Prints what it listed and what it could not, as JSON.
 *
 *     node crawl-process.js FOLDER
 */
import { Crawler } from '../../src/sources/crawl.js';

const [root = ''] = process.argv.slice(2);
const crawler = new Crawler({ root, include: [], exclude: [], follow: false });
const listed = [...crawler.folders()].flatMap(({ path, names }) =>
  names.map(name => (path === '' ? name : `${path}/${name}`)),
);
console.log(JSON.stringify({ listed: listed.sort(), unreadable: crawler.unreadable }));
