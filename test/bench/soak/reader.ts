/** A process that looks at all of a folder again and again until its input ends; prints how many things it saw. */
import { setImmediate as turn } from 'node:timers/promises';
import { see } from './see.js';

const [root = ''] = process.argv.slice(2);
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
});
let seen = 0;
while (!isOver) {
  seen += see(root).size;
  await turn();
}
console.log(seen);
