/**
 * Uses a cache in every way, at random and without an end, as long as every byte that it is served is right. Prints `started`.
 *
 *     node crash-process.js DIRECTORY SEED
 */
import { openCache } from '../support/caches.js';
import { seededPicks } from '../support/random.js';
import { tightLimits, useOnce } from './random-use.js';

const [directory = '', seed = ''] = process.argv.slice(2);
const pick = seededPicks(Number(seed));
const cache = openCache(directory, tightLimits);
console.log('started');
for (;;) await useOnce(cache, pick);
