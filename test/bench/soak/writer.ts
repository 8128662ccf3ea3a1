/** A process that changes a folder at random until its input ends; prints how many changes it tried. */
import { setTimeout as rest } from 'node:timers/promises';
import { seededPicks } from '../../support/random.js';
import { steps, take } from '../../support/random-changes.js';

const RESTS_MS = [0, 0, 0, 1, 20, 60, 120];

const [root = '', seed = '0'] = process.argv.slice(2);
const pick = seededPicks(Number(seed));
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
});
let changes = 0;
for (const step of steps(Number(seed))) {
  if (isOver) break;
  take(root, step);
  changes++;
  await rest(RESTS_MS[pick(RESTS_MS.length)]);
}
console.log(changes);
