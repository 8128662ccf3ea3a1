/**
 * A program of its own: reads pieces at random places of a file, one after the other, and prints how many seconds that
 * took. The places are the same at every run. Arguments: the file, how many reads, bytes a read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

function readAtRandom(path: string, reads: number, bytes: number): number {
  const file = openSync(path, 'r');
  const pieces = Math.floor(fstatSync(file).size / bytes);
  const target = Buffer.alloc(bytes);
  let place = 1;
  const startedAt = performance.now();
  for (let nth = 0; nth < reads; nth++) {
    // The "minimal standard" generator of Park and Miller; its products are exact in a double.
    place = (place * 48_271) % 0x7fffffff;
    readSync(file, target, 0, bytes, (place % pieces) * bytes);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  closeSync(file);
  return seconds;
}

const [path = '', reads = '', bytes = ''] = process.argv.slice(2);
console.log(readAtRandom(path, Number(reads), Number(bytes)));
