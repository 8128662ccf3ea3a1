/**
 * Opens a file of a source again and again, following links and not, and reads it. Prints as JSON how often it read which
 * contents and how often it got which error.
 *
 *     node open-process.js ROOT PATH TIMES [without-openat2]
 */
import { closeSync, readSync } from 'node:fs';
import { FacetError } from '../../src/errors.js';
import { openContained } from '../../src/sources/contained.js';
import { forbidOpenat2 } from '../support/seccomp.js';

const [root = '', path = '', times = '', without] = process.argv.slice(2);
if (without) forbidOpenat2();
const outcomes: Record<string, number> = {};
for (let at = 0; at < Number(times); at++) {
  for (const follow of [false, true]) {
    const outcome = open(follow);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
}
console.log(JSON.stringify(outcomes));

function open(follow: boolean): string {
  try {
    const { fd } = openContained(root, path, follow);
    const buffer = Buffer.alloc(16);
    const text = buffer.toString('latin1', 0, readSync(fd, buffer));
    closeSync(fd);
    return text;
  } catch (error) {
    if (error instanceof FacetError) return error.code;
    throw error;
  }
}
